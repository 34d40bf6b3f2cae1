// `wx` for a browser: the part that the SDK needs, with fetch, XMLHttpRequest, WebSocket and localStorage.

const page = Math.random().toString(36).slice(2, 8)
let clicks = 0
let current = newClick('start')

/** A click, which groups its calls. `name` is the name of a text. */
export function newClick(name) {
  return { number: clicks++, name, calls: 0 }
}

/** Starts a click, to which the following calls belong. */
export function beginClick(name) {
  current = newClick(name)
}

/** The X-Request-ID of the next call of a click, which identifies the server's events of the call. */
function nextID(click = current) {
  click.calls++
  return `page-${page}.${click.number}.${click.name}.${click.calls}`
}

/** The click of a request id, of any page, or undefined. */
export function clickOf(requestID) {
  const [, key, name] = /^(page-\w+\.\d+)\.(\w+)\.\d+$/.exec(requestID || '') || []
  return key && { key, name, isOwn: key.startsWith(`page-${page}.`) }
}

/** Emits the messages of WebSockets and streams, which the server doesn't record: event `message` with {id, out, text}. */
export const traffic = new EventTarget()

function report(id, out, data) {
  const text = typeof data === 'string' ? data : new TextDecoder().decode(data)
  traffic.dispatchEvent(new CustomEvent('message', { detail: { id, out, text } }))
}

/** The `wx` of a user's phone, with its own storage. */
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
    uploadFile,
    connectSocket,
    getStorageSync: key => JSON.parse(localStorage.getItem(prefix + key) || '""'),
    setStorageSync: (key, value) => localStorage.setItem(prefix + key, JSON.stringify(value)),
    removeStorageSync: key => localStorage.removeItem(prefix + key),
  }
}

/** Empties the storage of all phones. */
export function clearPhones() {
  const keys = Object.keys(localStorage).filter(key => key.startsWith('wxgate phone '))
  keys.forEach(key => localStorage.removeItem(key))
}

/** Calls the WeChat simulator. */
export const simulator = (name, body) => callServer('POST', '/sim/' + name, body)

/** Calls the playground's own server. */
export async function callServer(method, path, body, click) {
  const response = await fetch(path, { method, headers: { 'X-Request-ID': nextID(click) }, body: body && JSON.stringify(body) })
  const result = await response.json()
  if (!response.ok) throw new Error(result.error)
  return result
}

const ignore = () => {}

function request(options) {
  const { success = ignore, fail = ignore, complete = ignore, timeout = 60000 } = options
  const { handle, emit } = newTask()
  const stop = new AbortController()
  const timer = options.enableChunked ? undefined : setTimeout(() => stop.abort('timeout'), timeout)
  handle.abort = () => stop.abort('abort')
  send(options, stop.signal, emit)
    .then(success, error => fail({ errMsg: 'request:fail ' + (stop.signal.aborted ? stop.signal.reason : error.message) }))
    .finally(() => {
      clearTimeout(timer)
      complete()
    })
  return handle
}

async function send({ url, method = 'GET', header, data, enableChunked }, signal, emit) {
  const body = data === undefined || typeof data === 'string' ? data : JSON.stringify(data)
  const id = nextID()
  const response = await fetch(here(url), {
    method, body, signal, cache: 'no-store', credentials: 'omit', redirect: 'manual',
    headers: { ...(body && { 'Content-Type': 'application/json' }), ...header, 'X-Request-ID': id },
  })
  const head = { statusCode: response.status, header: Object.fromEntries(response.headers), cookies: [] }
  emit('HeadersReceived', head)
  if (enableChunked) return { ...head, errMsg: 'request:ok', data: await readChunks(response, chunk => {
    report(id, false, chunk)
    emit('ChunkReceived', { data: chunk })
  }) }
  return { ...head, errMsg: 'request:ok', data: decoded(await response.text()) }
}

/** The URL on this page's own origin: path, query and hash. */
export function here(url) {
  const { pathname, search, hash } = new URL(url, location.href)
  return pathname + search + hash
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

/** Only XMLHttpRequest reports the progress of an upload. `filePath` is a Blob here. */
function uploadFile({ url, filePath, name, header = {}, formData = {}, success = ignore, fail = ignore, complete = ignore }) {
  const { handle, emit } = newTask()
  const form = new FormData()
  for (const [field, value] of Object.entries(formData)) form.append(field, value)
  form.append(name, filePath, 'photo.bin')
  const xhr = new XMLHttpRequest()
  xhr.open('POST', here(url))
  for (const [field, value] of Object.entries({ ...header, 'X-Request-ID': nextID() })) xhr.setRequestHeader(field, value)
  xhr.upload.onprogress = ({ loaded, total }) =>
    emit('ProgressUpdate', { progress: Math.round(100 * loaded / total), totalBytesSent: loaded, totalBytesExpectedToSend: total })
  xhr.onload = () => success({ errMsg: 'uploadFile:ok', statusCode: xhr.status, data: xhr.responseText, header: headersOf(xhr) })
  xhr.onerror = () => fail({ errMsg: 'uploadFile:fail' })
  xhr.onabort = () => fail({ errMsg: 'uploadFile:fail abort' })
  xhr.onloadend = complete
  handle.abort = () => xhr.abort()
  xhr.send(form)
  return handle
}

const headersOf = xhr => Object.fromEntries(xhr.getAllResponseHeaders().trim().split('\r\n').map(line => line.split(': ')))

/**
 * A browser can't set headers on a WebSocket. So the token and the request id are sent as names of subprotocols to
 * the page's server, which passes them to the gateway as the headers that a phone sends.
 */
function connectSocket({ url, header = {}, success = ignore, complete = ignore }) {
  const { handle, emit } = newTask()
  const target = new URL(url)
  target.protocol = location.protocol.replace('http', 'ws')
  target.pathname = '/playground/socket' + target.pathname
  const id = nextID()
  const bearer = (header.Authorization || '').replace(/^Bearer /, '')
  const socket = new WebSocket(target, ['echo', 'id.' + id, ...(bearer ? ['bearer.' + bearer] : [])])
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => emit('Open', { header: {} })
  socket.onmessage = ({ data }) => {
    report(id, false, data)
    emit('Message', { data })
  }
  socket.onerror = () => emit('Error', { errMsg: 'connectSocket:fail' })
  socket.onclose = ({ code, reason }) => emit('Close', { code, reason })
  handle.send = ({ data, success: sent = ignore, fail = ignore }) => {
    if (socket.readyState !== WebSocket.OPEN) return fail({ errMsg: 'sendSocketMessage:fail not open' })
    socket.send(data)
    report(id, true, data)
    sent({ errMsg: 'sendSocketMessage:ok' })
  }
  handle.close = ({ code = 1000, reason } = {}) => socket.close(code, reason)
  queueMicrotask(() => {
    success({ errMsg: 'connectSocket:ok' })
    complete()
  })
  return handle
}

const events = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate', 'Open', 'Message', 'Error', 'Close']

function newTask() {
  const listeners = new Map(events.map(event => [event, new Set()]))
  const handle = {}
  for (const event of events) {
    handle['on' + event] = listener => void listeners.get(event).add(listener)
    handle['off' + event] = listener => void listeners.get(event).delete(listener)
  }
  return { handle, emit: (event, detail) => listeners.get(event).forEach(listener => listener(detail)) }
}
