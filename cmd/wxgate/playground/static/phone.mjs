// The phone: a mini program whose every call goes through the SDK.
import { byId, code, el } from './dom.mjs'
import { clock, t } from './i18n.mjs'
import { newWx, simulator, wipePhones } from './wx.mjs'
import { createGateway } from './wxgate-miniprogram.mjs'

// Plain http is for localhost and addresses, says the SDK, but this page may be opened under any name: its phone calls
// https, and wx.mjs sends what goes there to this page's own origin.
const base = ['https', location.host].join('://')
const tokenKey = `wxgate:${base}:`
const people = ['alice', 'bob', '小明']

/** The phones by user: what a mini program has after its start. */
const phones = new Map()
let logins = 0

export const user = () => byId('user').value

function phone() {
  const name = user()
  if (!phones.has(name)) {
    const wx = newWx(name)
    const { login } = wx
    wx.login = options => (logins++, login(options))
    phones.set(name, { wx, gateway: createGateway({ baseURL: base, platform: wx }) })
  }
  return phones.get(name)
}

const gateway = () => phone().gateway
const held = () => phone().wx.getStorageSync(tokenKey)

/** What is shown as the last result, so that it can be shown in another language. */
let last

function tell(make, tone = 'good', detail) {
  last = { make, tone, detail }
  showResult()
  showState()
}

function showResult() {
  const { make, tone, detail } = last || {}
  const output = byId('result')
  output.className = `result ${tone || ''}`
  output.replaceChildren(...(make ? [el('p', { text: make() })] : []), ...(detail ? [code(detail)] : []))
}

function showState() {
  const { token, expires } = held() || {}
  const alive = token && expires > Date.now()
  byId('state').textContent = alive ? t('loggedIn', clock(expires).slice(0, 5)) : t('loggedOut')
  byId('state-dot').className = alive ? 'dot on' : 'dot'
}

/** Shows the phone again, in another language. */
export function showPhone() {
  byId('user').querySelector('[value=""]').textContent = t('newUser')
  byId('socket').textContent = t(socket ? 'closeSocket' : 'openSocket')
  byId('stream').textContent = t(stream ? 'closeStream' : 'openStream')
  showResult()
  showState()
}

/** Runs what a button is for, and shows what came of it. */
async function act(button, what) {
  button.disabled = true
  tell(() => t('waiting'), 'waiting')
  try {
    await what()
  } catch (error) {
    tellFailure(error)
  } finally {
    button.disabled = false
  }
}

function tellFailure({ code: name, statusCode, errMsg, message }) {
  if (name) tellRefusal(statusCode, name)
  else tell(() => t('failed', errMsg || message), 'error')
}

function tellRefusal(status, name) {
  tell(() => [t('refused', status, name), t('why')[name]].filter(Boolean).join('\n'), 'error')
}

/** Shows the answer of a call: what `good` makes of the backend's, or the refusal. */
function tellAnswer({ statusCode, data }, good) {
  if (statusCode < 400) tell(() => good(data), 'good')
  else tellRefusal(statusCode, data.error || '')
}

const openidOf = data => ((data.headers && data.headers['X-Openid']) || ['–'])[0]

const actions = {
  async login() {
    const { is_new_user } = await gateway().login()
    tell(() => t('welcome', is_new_user))
  },
  async call() {
    tellAnswer(await gateway().request('/api/hello'), data => t('called', openidOf(data)))
  },
  async phone() {
    await gateway().ensureSession() // before the button is shown: a tap on it costs money
    const detail = await simulator('phone-code', { user: user() })
    const { phone_number } = await gateway().bindPhone(detail)
    tell(() => t('gotPhone', phone_number))
  },
  async five() {
    const before = logins
    await Promise.all([1, 2, 3, 4, 5].map(n => gateway().request(`/api/orders/${n}`)))
    const needed = logins - before
    tell(() => t('fiveDone', needed))
  },
  async logout() {
    await gateway().logout()
    tell(() => t('loggedOutNow'))
  },
  async 'logout-all'() {
    await gateway().logout({ all: true })
    tell(() => t('loggedOutNow'))
  },
  async 'no-token'() {
    tellAnswer(await bare('/api/hello'), data => t('called', openidOf(data)))
  },
  async forged() {
    const token = held().token || 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvLXNvbWVib2R5LWVsc2UifQ.c2lnbmF0dXJl'
    tellAnswer(await bare('/api/hello', { header: bearer(token.replace(/[^.]*$/, text => [...text].reverse().join(''))) }), () => '')
  },
  async spoof() {
    const header = { 'X-OpenID': 'o-somebody-else', 'X-WX-OPENID': 'o-somebody-else' }
    tellAnswer(await gateway().request({ url: '/api/hello', header }), data => t('spoofed', openidOf(data)))
  },
  async ended() {
    await gateway().ensureSession()
    await bare('/auth/logout', { method: 'POST', data: { all: true }, header: bearer(held().token) })
    tell(() => t('endedNow'))
  },
}

const bearer = token => ({ Authorization: 'Bearer ' + token })

/** A call past the SDK. */
function bare(path, options = {}) {
  return new Promise((success, fail) => phone().wx.request({ url: base + path, ...options, success, fail }))
}

async function setProfile() {
  const { nickname = '' } = await gateway().setProfile({ nickname: byId('nickname').value })
  tell(() => t('gotProfile', nickname || '–'))
}

let socket

async function toggleSocket() {
  if (socket) return socket.close()
  const task = gateway().connectSocket({ url: '/api/ws', protocols: ['echo'] })
  socket = task
  task.onOpen(() => {
    showSocket(true)
    tell(() => t('socketOpen'))
  })
  task.onMessage(({ data }) => tell(() => t('socketSaid', data)))
  task.onClose(({ code: closeCode }) => {
    if (socket === task) socket = undefined
    showSocket(false)
    tell(() => t('socketClosed', closeCode))
  })
  try {
    await task
  } catch (error) {
    socket = undefined
    throw error
  }
}

function showSocket(open) {
  byId('message').hidden = !open
  byId('socket').textContent = t(open ? 'closeSocket' : 'openSocket')
  if (open) byId('text').focus({ preventScroll: true })
}

function sendMessage() {
  const input = byId('text')
  if (socket && input.value) socket.send({ data: input.value })
  input.value = ''
}

let stream

async function toggleStream() {
  if (stream) return stream.abort()
  stream = gateway().request({ url: '/api/events', enableChunked: true })
  byId('stream').textContent = t('closeStream')
  stream.onChunkReceived(({ data }) => {
    const text = new TextDecoder().decode(data).replace(/^data: |\n/g, '')
    tell(() => t('streamSaid', text))
  })
  // Not awaited: it goes on until it is stopped.
  stream.catch(() => {}).then(() => {
    stream = undefined
    byId('stream').textContent = t('openStream')
    tell(() => t('streamClosed'))
  })
}

/** WeChat blocks the user, or is busy. */
const faults = {
  blocked: on => simulator('block', { user: user(), blocked: on }),
  busy: on => simulator('fault', on ? { api: '/sns/jscode2session', errcode: -1 } : undefined),
}

const blockedUsers = new Set()

function chooseUser() {
  const select = byId('user')
  if (select.value === '') addUser('user-' + Math.random().toString(36).slice(2, 6))
  localStorage.setItem('wxgate user', select.value)
  byId('blocked').checked = blockedUsers.has(select.value)
  last = undefined
  showPhone()
  select.dispatchEvent(new CustomEvent('chosen', { bubbles: true }))
}

function addUser(name) {
  const select = byId('user')
  select.querySelector('[value=""]').before(el('option', { value: name, text: name }))
  select.value = name
}

/** Forgets the tokens of a wxgate dev that is gone; `start` names the one that runs. */
export function meet(start) {
  if (localStorage.getItem('wxgate start') === start) return
  localStorage.setItem('wxgate start', start)
  wipePhones()
  phones.clear()
  blockedUsers.clear()
  byId('blocked').checked = byId('busy').checked = false
  showPhone()
}

export function startPhone() {
  byId('user').append(...people.map(name => el('option', { value: name, text: name })), el('option', { value: '' }))
  const before = localStorage.getItem('wxgate user')
  if (before && !people.includes(before)) addUser(before)
  byId('user').value = before || people[0]
  byId('user').addEventListener('change', chooseUser)
  for (const [id, what] of Object.entries(actions)) {
    const button = byId(id)
    button.addEventListener('click', () => act(button, what))
  }
  byId('socket').addEventListener('click', () => toggleSocket().catch(tellFailure))
  byId('stream').addEventListener('click', () => toggleStream().catch(tellFailure))
  submit('profile', () => act(byId('profile').querySelector('button'), setProfile))
  submit('message', sendMessage)
  for (const [id, change] of Object.entries(faults)) byId(id).addEventListener('change', () => injectFault(id, change))
  setInterval(showState, 10000)
}

function submit(form, what) {
  byId(form).addEventListener('submit', event => {
    event.preventDefault()
    what()
  })
}

async function injectFault(id, change) {
  const on = byId(id).checked
  if (id === 'blocked') blockedUsers[on ? 'add' : 'delete'](user())
  await change(on).catch(tellFailure)
}

