// A small `wx` for Node: the same calls, results and callbacks, with real HTTP and WebSockets.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import WebSocket from 'ws'

const methods = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']

/**
 * `code` returns the codes of wx.login. With `legacy`, uploads and downloads are those of an old base library: neither their
 * results nor their tasks have headers. `userKey` returns the result of getLatestUserKey. `storage` is a Map, the same for all objects of one phone.
 */
export function newWx({ code = async () => 'code', userKey, storage = new Map(), legacy = false, appid = 'wx0000000000000000' } = {}) {
  const inFlight = new Set()
  const logins = []
  const referer = `https://servicewechat.com/${appid}/0/page-frame.html`

  function send(api, options, { method, url, header, body, onBody }) {
    const task = newTask()
    const { success = () => {}, fail = () => {}, complete = () => {} } = options
    let over = false
    const end = (callback, outcome) => {
      if (over) return
      over = true
      inFlight.delete(call)
      callback(outcome)
      complete(outcome)
    }
    const stop = why => {
      end(fail, { errMsg: `${api}:fail ${why}` })
      request.destroy()
    }
    const call = { stop }
    inFlight.add(call)
    const request = http.request(url, { method, headers: { referer, ...header }, agent: false })
    if (options.timeout) request.setTimeout(options.timeout, () => stop('timeout'))
    request.on('error', error => end(fail, { errMsg: `${api}:fail ${error.code || error.message}` }))
    request.on('response', response => {
      const reported = { statusCode: response.statusCode, header: headersOf(response), cookies: [] }
      if (!legacy || api === 'request') task.emit('HeadersReceived', reported)
      const chunks = []
      response.on('data', chunk => {
        chunks.push(chunk)
        if (options.enableChunked) task.emit('ChunkReceived', { data: toArrayBuffer(chunk) })
        if (api !== 'request') task.emit('ProgressUpdate', { progress: 100 })
      })
      response.on('error', error => end(fail, { errMsg: `${api}:fail ${error.code || error.message}` }))
      response.on('end', () => {
        const result = { statusCode: response.statusCode, errMsg: `${api}:ok`, ...onBody(Buffer.concat(chunks)) }
        if (!legacy || api === 'request') result.header = reported.header
        end(success, result)
      })
    })
    request.end(body)
    task.handle.abort = () => stop('abort')
    return task.handle
  }

  const wx = {
    /** The times at which wx.login was called. */
    logins,
    storage,

    /** Interrupts the calls in flight, as when the mini program goes to the background. */
    interrupt() {
      for (const call of [...inFlight]) call.stop('interrupted')
    },

    login({ success = () => {}, fail = () => {}, complete = () => {} }) {
      logins.push(Date.now())
      code()
        .then(value => ({ errMsg: 'login:ok', code: value }))
        .then(success, error => fail({ errMsg: 'login:fail ' + error.message }))
        .then(complete)
    },

    request(options) {
      const method = options.method || 'GET'
      if (!methods.includes(method)) throw new Error('request:fail method is invalid')
      const header = { 'content-type': 'application/json', ...options.header }
      const { url, body } = encode(method, options.url, options.data, header)
      const onBody = buffer => ({ data: options.enableChunked ? '' : decode(buffer, options) })
      return send('request', options, { method, url, header, body, onBody })
    },

    uploadFile(options) {
      const boundary = '----wx' + Math.random().toString(16).slice(2)
      const header = { ...options.header, 'content-type': 'multipart/form-data; boundary=' + boundary }
      const onBody = buffer => ({ data: buffer.toString() })
      return send('uploadFile', options, { method: 'POST', url: options.url, header, body: multipart(options, boundary), onBody })
    },

    downloadFile(options) {
      const onBody = buffer => {
        const file = options.filePath || join(mkdtempSync(join(tmpdir(), 'wx-')), 'download')
        writeFileSync(file, buffer)
        return options.filePath ? { filePath: file } : { tempFilePath: file }
      }
      return send('downloadFile', options, { method: 'GET', url: options.url, header: options.header, onBody })
    },

    connectSocket({ url, header, protocols = [], success = () => {}, complete = () => {} }) {
      const task = newTask()
      const socket = new WebSocket(url, protocols, { headers: { referer, ...header } })
      socket.on('open', () => task.emit('Open', { header: {} }))
      socket.on('message', (data, binary) => task.emit('Message', { data: binary ? toArrayBuffer(data) : data.toString() }))
      socket.on('error', error => task.emit('Error', { errMsg: error.message }))
      socket.on('close', (closeCode, reason) => task.emit('Close', { code: closeCode, reason: reason.toString() }))
      queueMicrotask(() => {
        success({ errMsg: 'connectSocket:ok' })
        complete({ errMsg: 'connectSocket:ok' })
      })
      task.handle.send = ({ data, success = () => {}, fail = () => {} }) => {
        if (socket.readyState !== WebSocket.OPEN) return fail({ errMsg: 'sendSocketMessage:fail not open' })
        socket.send(data, () => success({ errMsg: 'sendSocketMessage:ok' }))
      }
      task.handle.close = ({ code: closeCode = 1000, reason } = {}) => socket.close(closeCode, reason)
      return task.handle
    },

    getUserCryptoManager: () => ({
      getLatestUserKey({ success = () => {}, fail = () => {} }) {
        Promise.resolve().then(userKey).then(key => success({ errMsg: 'getLatestUserKey:ok', ...key }), error => fail({ errMsg: 'getLatestUserKey:fail ' + error.message }))
      },
    }),

    getRandomValues: ({ length, success }) => void queueMicrotask(() => success({ randomValues: toArrayBuffer(randomBytes(length)) })),

    getStorageSync: key => (storage.has(key) ? JSON.parse(storage.get(key)) : ''),
    setStorageSync: (key, value) => void storage.set(key, JSON.stringify(value)),
    removeStorageSync: key => void storage.delete(key),
  }
  return wx
}

function newTask() {
  const listeners = {}
  const handle = {}
  for (const event of ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate', 'Open', 'Message', 'Error', 'Close']) {
    listeners[event] = new Set()
    handle['on' + event] = listener => void listeners[event].add(listener)
    handle['off' + event] = listener => void listeners[event].delete(listener)
  }
  return { handle, emit: (event, detail) => listeners[event].forEach(listener => listener(detail)) }
}

function encode(method, url, data, header) {
  if (data === undefined || data === null) return { url }
  if (typeof data === 'string' || data instanceof ArrayBuffer) return { url, body: Buffer.from(data) }
  if (method === 'GET') return { url: url + (url.includes('?') ? '&' : '?') + new URLSearchParams(data) }
  const type = Object.entries(header).find(([name]) => name.toLowerCase() === 'content-type')[1]
  return { url, body: type.includes('json') ? JSON.stringify(data) : String(new URLSearchParams(data)) }
}

function decode(buffer, { dataType = 'json', responseType = 'text' }) {
  if (responseType === 'arraybuffer') return toArrayBuffer(buffer)
  if (dataType !== 'json') return buffer.toString()
  try {
    return JSON.parse(buffer)
  } catch {
    return buffer.toString()
  }
}

function multipart({ filePath, name, formData = {} }, boundary) {
  const fields = Object.entries(formData).map(([field, value]) =>
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`))
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${basename(filePath)}"\r\n\r\n`
  return Buffer.concat([...fields, Buffer.from(head), readFileSync(filePath), Buffer.from(`\r\n--${boundary}--\r\n`)])
}

/** Header names in the letter case of the server: phones differ in that. */
function headersOf({ rawHeaders }) {
  const header = {}
  for (let i = 0; i < rawHeaders.length; i += 2) header[rawHeaders[i]] = rawHeaders[i + 1]
  return header
}

function toArrayBuffer(buffer) {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength)
}
