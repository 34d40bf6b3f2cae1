// The tab of calls: login, requests, an upload, a socket and an event stream.
import { byId } from './dom.mjs'
import { t } from './i18n.mjs'
import { act, gateway, loginCount, onPress, onSubmit, openidOf, report, reportResponse, reportFailure, reportRefusal, user } from './phone.mjs'
import { simulator } from './wx.mjs'

async function login() {
  const { is_new_user } = await gateway().login()
  report(() => t('welcome', is_new_user))
}

export async function call() {
  reportResponse(await gateway().request('/api/hello'), data => t('called', openidOf(data)))
}

async function getPhone() {
  await gateway().ensureSession() // before the button is shown: WeChat charges for a tap
  const detail = await simulator('phone-code', { user: user() })
  const { phone_number } = await gateway().bindPhone(detail)
  report(() => t('gotPhone', phone_number))
}

async function five() {
  const before = loginCount()
  await Promise.all([1, 2, 3, 4, 5].map(n => gateway().request(`/api/orders/${n}`)))
  const needed = loginCount() - before
  report(() => t('fiveDone', needed))
}

export async function logout() {
  await gateway().logout()
  report(() => t('loggedOutNow'))
}

async function setProfile() {
  const { nickname = '' } = await gateway().setProfile({ nickname: byId('nickname').value })
  report(() => t('gotProfile', nickname || '–'))
}

const megabyte = 1 << 20

/** Uploads a file of that many MB and shows the progress. */
export async function upload(megabytes) {
  const bar = byId('progress')
  const task = gateway().uploadFile({ url: '/api/uploads/photo', name: 'photo', filePath: new Blob([new Uint8Array(megabytes * megabyte)]) })
  task.onProgressUpdate(({ progress }) => {
    bar.value = progress
    report(() => t('uploading', progress), 'waiting')
  })
  bar.value = 0
  bar.hidden = false
  try {
    const { statusCode, data } = await task
    const body = JSON.parse(data)
    if (statusCode < 400) report(() => t('uploaded', (body.bytes / megabyte).toFixed(1)))
    else reportRefusal(statusCode, body.error || '')
  } finally {
    bar.hidden = true
  }
}

let socket

/** Functions for the last text of the WebSocket and of the stream. Each has its own line, so that it doesn't replace results. */
const lines = { socket: undefined, stream: undefined }

function setLine(which, make) {
  lines[which] = make
  showLine(which)
}

function showLine(which) {
  const line = byId(which + '-line')
  line.hidden = !lines[which]
  line.textContent = lines[which] ? lines[which]() : ''
}

async function toggleSocket() {
  if (socket) {
    socket.close()
    return report(() => t('closing'), 'waiting')
  }
  const task = gateway().connectSocket({ url: '/api/ws', protocols: ['echo'] })
  socket = task
  task.onMessage(({ data }) => setLine('socket', () => t('socketSaid', data)))
  let hasOpened = false
  task.onClose(({ code }) => {
    if (socket === task) socket = undefined
    showSocket()
    if (hasOpened) setLine('socket', () => t('socketClosed', code))
  })
  const opened = new Promise((resolve, reject) => {
    task.onOpen(() => resolve(hasOpened = true))
    task.onClose(({ code }) => reject({ errMsg: t('socketClosed', code) }))
  })
  opened.catch(() => {})
  try {
    await task
    await opened
  } catch (error) {
    socket = undefined
    throw error
  }
  showSocket()
  setLine('socket', () => t('socketOpen'))
  report(() => t('socketOpen'))
}

function showSocket() {
  byId('message').hidden = !socket
  byId('socket').textContent = t(socket ? 'closeSocket' : 'openSocket')
}

function sendMessage() {
  const input = byId('text')
  if (socket && input.value) socket.send({ data: input.value })
  input.value = ''
}

let stream

async function toggleStream() {
  if (stream) {
    stream.abort()
    return report(() => t('closing'), 'waiting')
  }
  let hasBegun = false
  stream = gateway().request({ url: '/api/events', enableChunked: true })
  const ended = stream.then(({ statusCode, data }) => {
    if (statusCode >= 400) reportRefusal(statusCode, data.error || '')
  }, error => {
    if (!/abort/.test(error.errMsg)) reportFailure(error)
  }).then(() => {
    stream = undefined
    showStream()
    if (hasBegun) setLine('stream', () => t('streamClosed'))
  })
  const begun = new Promise(resolve => stream.onChunkReceived(({ data }) => {
    const text = new TextDecoder().decode(data).replace(/^data: |\n/g, '')
    hasBegun = true
    setLine('stream', () => t('streamSaid', text))
    resolve(true)
  }))
  showStream()
  if (await Promise.race([begun, ended])) report(() => t('streamOpen'))
}

function showStream() {
  byId('stream').textContent = t(stream ? 'closeStream' : 'openStream')
}

/** Updates the texts after a change of the language. */
export function showApi() {
  showSocket()
  showStream()
  showLine('socket')
  showLine('stream')
}

export function startApi() {
  for (const [id, what] of Object.entries({ login, call, 'get-phone': getPhone, five, logout, upload: () => upload(6) })) onPress(id, what)
  byId('socket').addEventListener('click', () => act(socket ? 'closeSocket' : 'openSocket', toggleSocket))
  byId('stream').addEventListener('click', () => act(stream ? 'closeStream' : 'openStream', toggleStream))
  onSubmit('profile', 'setProfile', setProfile)
  byId('message').addEventListener('submit', event => {
    event.preventDefault()
    sendMessage()
  })
}
