// `wx` for a browser: as much of it as the SDK needs, over fetch, WebSocket and localStorage.

const page = Math.random().toString(36).slice(2, 8)
let calls = 0

/** Tells this page's calls from others'. */
export const isOwn = requestID => requestID.startsWith('page-')

/** The X-Request-ID of the next call, by which its way is told. */
function nextID() {
  calls++
  return `page-${page}-${calls}`
}

/** Tells what passes on sockets and streams, which the server doesn't look into: message, with {id, out, text}. */
export const traffic = new EventTarget()

function pass(id, out, data) {
  const text = typeof data === 'string' ? data : new TextDecoder().decode(data)
  traffic.dispatchEvent(new CustomEvent('message', { detail: { id, out, text } }))
}

/** The phone of a user: each has one of his own. */
export function newWx(user) {
  const prefix = `wxgate phone ${user} `
  return {
    async login({ success, fail, complete }) {
      try {
        const { code } = await simulator('code', { user })
        success({ errMsg: 'login:ok', code })
      } catch (error) {
        fail({ errMsg: 'login:fail ' + error.message })
      }
      complete()
    },
    request,
    connectSocket,
    getStorageSync: key => JSON.parse(localStorage.getItem(prefix + key) || '""'),
    setStorageSync: (key, value) => localStorage.setItem(prefix + key, JSON.stringify(value)),
    removeStorageSync: key => localStorage.removeItem(prefix + key),
  }
}

/** Empties the storage of all phones. */
export function wipePhones() {
  const keys = Object.keys(localStorage).filter(key => key.startsWith('wxgate phone '))
  keys.forEach(key => localStorage.removeItem(key))
}

/** Asks the simulated WeChat's app, or changes how it behaves; without a body all injected faults end. */
export async function simulator(what, body) {
  const response = await fetch('/sim/' + what, {
    method: body ? 'POST' : 'DELETE',
    headers: { 'X-Request-ID': nextID() },
    body: body && JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error)
  return answer
}

const ignore = () => {}

function request(options) {
  const { success = ignore, fail = ignore, complete = ignore, timeout = 60000 } = options
  const { face, emit } = newTask()
  const stop = new AbortController()
  const timer = options.enableChunked ? undefined : setTimeout(() => stop.abort('timeout'), timeout)
  face.abort = () => stop.abort('abort')
  exchange(options, stop.signal, emit)
    .then(success, error => fail({ errMsg: 'request:fail ' + (stop.signal.aborted ? stop.signal.reason : error.message) }))
    .finally(() => {
      clearTimeout(timer)
      complete()
    })
  return face
}

async function exchange({ url, method = 'GET', header, data, enableChunked }, signal, emit) {
  const body = data === undefined || typeof data === 'string' ? data : JSON.stringify(data)
  const id = nextID()
  const { pathname, search } = new URL(url)
  const response = await fetch(pathname + search, {
    method, body, signal, cache: 'no-store', credentials: 'omit', redirect: 'manual',
    headers: { ...(body && { 'Content-Type': 'application/json' }), ...header, 'X-Request-ID': id },
  })
  const told = { statusCode: response.status, header: Object.fromEntries(response.headers), cookies: [] }
  emit('HeadersReceived', told)
  if (enableChunked) return { ...told, errMsg: 'request:ok', data: await readChunks(response, chunk => {
    pass(id, false, chunk)
    emit('ChunkReceived', { data: chunk })
  }) }
  return { ...told, errMsg: 'request:ok', data: decoded(await response.text()) }
}

async function readChunks(response, receive) {
  const reader = response.body.getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const { buffer, byteOffset, byteLength } = part.value
    receive(buffer.slice(byteOffset, byteOffset + byteLength))
  }
  return ''
}

function decoded(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/**
 * A browser sends no header of one's own with a WebSocket. The token and the request id go as names of subprotocols to
 * the page's server, which hands them to the gateway as the headers that a phone sends.
 */
function connectSocket({ url, header = {}, success = ignore, complete = ignore }) {
  const { face, emit } = newTask()
  const target = new URL(url)
  target.protocol = location.protocol.replace('http', 'ws')
  target.pathname = '/playground/socket' + target.pathname
  const id = nextID()
  const bearer = (header.Authorization || '').replace(/^Bearer /, '')
  const socket = new WebSocket(target, ['echo', 'id.' + id, ...(bearer ? ['bearer.' + bearer] : [])])
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => emit('Open', { header: {} })
  socket.onmessage = ({ data }) => {
    pass(id, false, data)
    emit('Message', { data })
  }
  socket.onerror = () => emit('Error', { errMsg: 'connectSocket:fail' })
  socket.onclose = ({ code, reason }) => emit('Close', { code, reason })
  face.send = ({ data, success: sent = ignore, fail = ignore }) => {
    if (socket.readyState !== WebSocket.OPEN) return fail({ errMsg: 'sendSocketMessage:fail not open' })
    socket.send(data)
    pass(id, true, data)
    sent({ errMsg: 'sendSocketMessage:ok' })
  }
  face.close = ({ code = 1000, reason } = {}) => socket.close(code, reason)
  queueMicrotask(() => {
    success({ errMsg: 'connectSocket:ok' })
    complete()
  })
  return face
}

const events = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate', 'Open', 'Message', 'Error', 'Close']

function newTask() {
  const listeners = new Map(events.map(event => [event, new Set()]))
  const face = {}
  for (const event of events) {
    face['on' + event] = listener => void listeners.get(event).add(listener)
    face['off' + event] = listener => void listeners.get(event).delete(listener)
  }
  return { face, emit: (event, detail) => listeners.get(event).forEach(listener => listener(detail)) }
}
