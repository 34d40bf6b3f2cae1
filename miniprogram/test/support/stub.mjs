// A small stub of the gateway, for what a real one does only in failures: many refusals, lost responses, unusual errors.
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import { WebSocketServer } from 'ws'
import { newWx } from './wx.mjs'

/** Starts a stub that stops with the test. */
export async function startStub(t, settings = {}) {
  const stub = new Stub(settings)
  await new Promise(resolve => stub.server.listen(0, '127.0.0.1', resolve))
  stub.url = 'http://127.0.0.1:' + stub.server.address().port
  t.after(() => stub.stop())
  return stub
}

class Stub {
  /** Lifetime of tokens issued from now on, in seconds. */
  tokenLife = 7200
  sessionLife = 7776000
  newUser = false
  /** The requests in order: {method, path, header, body}. */
  calls = []
  /** Set by a test to respond in place of the stub: (call, reply, response) → true if it has. */
  intercept = () => false
  /** Set by a test: the code with which this handshake is refused, or ''. */
  refuseHandshake = () => ''
  /** Set by a test: close the connection instead of sending the response to this call. */
  lose = () => false

  tokens = new Map()
  codes = new Set()
  responses = new Map()
  sockets = new Set()
  issued = 0

  constructor(settings) {
    Object.assign(this, settings)
    this.server = http.createServer((request, response) => this.serve(request, response))
    this.server.on('connection', socket => this.sockets.add(socket))
    const upgrader = new WebSocketServer({ noServer: true })
    this.server.on('upgrade', (request, socket, head) => {
      const call = { method: 'GET', path: request.url, header: request.headers, body: '', bytes: Buffer.alloc(0) }
      this.calls.push(call)
      const code = this.refusal(request.headers) || this.refuseHandshake(call)
      if (code) return socket.end(`HTTP/1.1 401 Unauthorized\r\nX-Gateway-Error: ${code}\r\nContent-Length: 0\r\n\r\n`)
      upgrader.handleUpgrade(request, socket, head, ws => {
        ws.on('message', (data, binary) => ws.send(data, { binary }))
        ws.send('hello')
      })
    })
  }

  stop() {
    for (const socket of this.sockets) socket.destroy()
    return new Promise(resolve => this.server.close(resolve))
  }

  /** A phone whose wx.login returns codes that this stub accepts. */
  phone(settings = {}) {
    const code = async () => {
      const value = 'code-' + randomBytes(4).toString('hex')
      this.codes.add(value)
      return value
    }
    return newWx({ code, ...settings })
  }

  to(path) {
    return this.calls.filter(call => call.path.split('?')[0] === path)
  }

  /** Makes the gateway refuse every token issued so far. */
  refuseAll(code = 'token_expired') {
    for (const state of this.tokens.values()) state.code = code
  }

  async serve(request, response) {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const call = { method: request.method, path: request.url, header: request.headers, body: bytes.toString(), bytes }
    this.calls.push(call)
    const reply = (status, body, header = {}) => {
      if (this.lose(call)) return response.destroy()
      response.writeHead(status, { 'Content-Type': 'application/json', ...header })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    if (this.intercept(call, reply, response) !== true) this.respond(call, reply)
  }

  respond(call, reply) {
    const own = this.endpoints[`${call.method} ${call.path}`]
    const code = call.path === '/auth/login' ? '' : this.refusal(call.header)
    if (code) return refuse(reply, 401, code)
    if (own) return own(call, reply)
    reply(200, { method: call.method, path: call.path, header: call.header, body: call.body })
  }

  refusal({ authorization = '' }) {
    const state = this.tokens.get(authorization.replace(/^Bearer /, ''))
    if (!authorization) return 'token_missing'
    return state ? state.code : 'token_invalid'
  }

  issue() {
    const token = 'token-' + ++this.issued
    this.tokens.set(token, { code: '' })
    return { token, token_type: 'Bearer', expires_in: this.tokenLife, session_expires_in: this.sessionLife }
  }

  endpoints = {
    'POST /auth/login': (call, reply) => {
      const { code } = JSON.parse(call.body)
      const key = call.header['idempotency-key'] + code
      if (this.responses.has(key)) return reply(200, this.responses.get(key))
      if (!this.codes.delete(code)) return refuse(reply, 401, 'invalid_code')
      const response = { ...this.issue(), is_new_user: this.newUser }
      this.responses.set(key, response)
      reply(200, response)
    },
    'POST /auth/refresh': (call, reply) => reply(200, this.issue()),
    'POST /auth/logout': (call, reply) => {
      this.tokens.get(call.header.authorization.slice(7)).code = 'session_ended'
      reply(204, '')
    },
    'GET /auth/session': (call, reply) => reply(200, { appid: 'wx1', expires_in: 1, session_expires_in: 1, user: {} }),
    'POST /auth/check': (call, reply) => reply(200, { valid: true }),
    'POST /auth/phone': (call, reply) => reply(200, { phone_number: '13800000000', pure_phone_number: '13800000000', country_code: '86' }),
    'POST /auth/ticket': (call, reply) => reply(200, { ticket: 't1', path: '/auth/enter?ticket=t1', expires_in: 60 }),
    'PUT /auth/profile': (call, reply) => reply(200, JSON.parse(call.body)),
  }
}

/** Responds with an error in the gateway's format. */
export function refuse(reply, status, code, header = {}) {
  reply(status, { error: code, message: 'no', request_id: 'r1' }, { 'X-Gateway-Error': code, ...header })
}
