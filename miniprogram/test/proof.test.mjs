// wxgate-miniprogram/proof against a stub that verifies what it receives, with node:crypto.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createContext, Script } from 'node:vm'
import { createGateway } from '../dist/index.mjs'
import { newProof } from '../dist/proof.mjs'
import { asTaro, asUni } from './support/adapters.mjs'
import { proofError } from './support/proof.mjs'
import { file, text } from './support/proof-vectors.mjs'
import { refuse, startStub } from './support/stub.mjs'

const filePath = join(mkdtempSync(join(tmpdir(), 'wx-')), 'photo.png')
writeFileSync(filePath, 'picture')

function newKey(version) {
  return { encryptKey: randomBytes(16).toString('base64'), iv: randomBytes(8).toString('hex'), version, expireTime: 3600 }
}

/** A stub that accepts only signed calls except at its own endpoints, a phone that has the user's keys, and a gateway. */
async function start(t, { adapt = wx => wx, ...options } = {}) {
  const stub = await startStub(t)
  const world = { stub, keys: [newKey(7)], asked: 0, codes: [], ahead: 0 }
  const seen = new Set()
  const verdict = call => {
    const code = proofError(world.keys, seen, call, Date.now() / 1000 + world.ahead)
    if (!call.path.startsWith('/auth/')) world.codes.push(code)
    return code
  }
  stub.refuseHandshake = verdict
  stub.intercept = (call, reply) => {
    if (call.path.startsWith('/auth/')) return false
    const code = verdict(call)
    if (!code) return false
    const time = Math.floor(Date.now() / 1000 + world.ahead)
    reply(403, { error: code, message: 'no', request_id: 'r1', ...(code === 'proof_clock' && { time }) }, { 'X-Gateway-Error': code })
    return true
  }
  world.userKey = async () => world.keys[world.keys.length - 1]
  world.wx = stub.phone({ userKey: () => (world.asked++, world.userKey()) })
  const platform = adapt(world.wx)
  world.gateway = createGateway({ baseURL: stub.url, platform, proof: newProof({ platform: world.wx, ...options }) })
  await world.gateway.login()
  stub.calls.length = 0
  return world
}

test('the vectors, with which the gateway is tested too, are what node:crypto computes', () => {
  assert.equal(readFileSync(file, 'utf8'), text())
})

const calls = {
  'a GET': { url: '/api/x' },
  'a GET with a query': { url: '/api/x?a=1&b=%e4%bd%a0#part' },
  'a GET with a bare question mark': { url: '/api/x?' },
  'a GET with data': { url: '/api/x', data: { a: '1 2', 名: '值', c: [1, { d: "it's" }], none: undefined, nil: null } },
  'a GET with query and data': { url: '/api/x?a=1', data: { b: 2 } },
  'a GET with a query as text': { url: '/api/x', data: 'a=1&b=[2]' },
  'a GET with nothing in its data': { url: '/api/x', data: {} },
  'a path in Chinese': { url: '/api/订单/𠮷?q=😀|"<>`{}[]^\'' },
  'a path with unfinished escapes': { url: '/api/x?q=100%&r=%4&s=%zz%%41' },
  'escaped unreserved characters': { url: '/%61pi/%7ex?y=%2D%2e' },
  'the host in capitals': ({ url }) => ({ url: url.replace('http', 'HTTP') + '/api/x' }),
  'a POST of JSON': { url: '/api/x', method: 'POST', data: { text: '你好，𠮷😀é', half: '\ud800x' } },
  'a POST of a list': { url: '/api/x', method: 'POST', data: [1, 2] },
  'a POST of a text': { url: '/api/x', method: 'POST', data: 'plain 文字 \udc00', header: { 'content-type': 'text/plain' } },
  'a POST without data': { url: '/api/x', method: 'POST' },
  'a POST of null': { url: '/api/x', method: 'POST', data: null },
  'a POST of bytes': { url: '/api/x', method: 'POST', data: Uint8Array.from([0, 255, 128, 10]).buffer, header: { 'Content-Type': 'application/octet-stream' } },
  'a PUT of a form': { url: '/api/x', method: 'PUT', data: { a: '1 2', 名: '值&' }, header: { 'CONTENT-TYPE': 'application/x-www-form-urlencoded' } },
  'a DELETE': { url: '/api/x', method: 'DELETE' },
  'a PATCH': { url: '/api/x', method: 'PATCH', data: { a: 1 } },
  'an override of the caller': { url: '/api/x', method: 'POST', header: { 'x-http-method-override': 'PATCH' }, data: {} },
}

for (const [name, options] of Object.entries(calls)) {
  test(`${name} is signed as it is received`, async t => {
    const world = await start(t)
    const { statusCode } = await world.gateway.request(typeof options === 'function' ? options(world.stub) : options)
    assert.deepEqual([statusCode, world.codes], [200, ['']])
    const [{ header }] = world.stub.calls
    assert.match(header['content-type'], /./)
  })
}

test('bodies are serialized as wx does', async t => {
  const { stub, gateway } = await start(t)
  const header = { 'content-type': 'application/x-www-form-urlencoded' }
  await gateway.request({ url: '/api/x', method: 'POST', data: { a: '值', b: [1] } })
  await gateway.request({ url: '/api/x', method: 'POST', data: { a: '1 &', b: { c: 2 } }, header })
  await gateway.request({ url: '/api/x', data: { a: '值', b: 2 } })
  assert.deepEqual(stub.calls.map(call => call.body), ['{"a":"值","b":[1]}', 'a=1%20%26&b=%7B%22c%22%3A2%7D', ''])
  assert.equal(stub.calls[2].path, '/api/x?a=%E5%80%BC&b=2')
})

test('an upload is signed without its body, a download and a handshake with an empty body', async t => {
  const { stub, gateway, codes } = await start(t)
  assert.equal((await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })).statusCode, 200)
  assert.equal((await gateway.downloadFile({ url: '/api/file' })).statusCode, 200)
  const task = gateway.connectSocket({ url: '/ws?room=1' })
  await new Promise(resolve => task.onMessage(resolve))
  assert.deepEqual(codes, ['', '', ''])
  assert.match(stub.calls[0].header['x-gateway-proof'], /;h=-;/)
})

test('each call has its own nonce, and the key is fetched once', async t => {
  const world = await start(t)
  await Promise.all(Array.from({ length: 20 }, () => world.gateway.request('/api/x')))
  const nonces = world.stub.calls.map(call => /;n=([\w-]{24});/.exec(call.header['x-gateway-proof'])[1])
  assert.equal(new Set(nonces).size, 20)
  assert.equal(world.asked, 1)
})

test('a key that is five minutes old is fetched again', async t => {
  const world = await start(t)
  await world.gateway.request('/api/x')
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 301000 })
  await world.gateway.request('/api/x')
  assert.equal(world.asked, 2)
})

test('proof_stale: the latest key is fetched once for all affected calls, and each is signed again', async t => {
  const world = await start(t)
  await world.gateway.request('/api/x')
  world.keys = [newKey(8)]
  const results = await Promise.all(Array.from({ length: 20 }, () => world.gateway.request({ url: '/api/x', method: 'POST', data: { a: 1 } })))
  assert.ok(results.every(({ statusCode }) => statusCode === 200))
  assert.equal(world.asked, 2)
  assert.equal(world.stub.to('/api/x').length, 41)
})

test('proof_stale of the latest key is returned', async t => {
  const world = await start(t)
  const unknown = newKey(9)
  world.userKey = async () => unknown
  const { statusCode, data } = await world.gateway.request({ url: '/api/x', method: 'POST' })
  assert.deepEqual([statusCode, data.error], [403, 'proof_stale'])
  assert.equal(world.stub.calls.length, 1)
})

for (const ahead of [-7200, -61, 61, 7200]) {
  test(`a clock that is ${ahead} s behind the gateway's is corrected, for all affected calls and later ones`, async t => {
    const world = await start(t)
    world.ahead = ahead
    const results = await Promise.all(Array.from({ length: 5 }, () => world.gateway.request({ url: '/api/x', method: 'POST', data: { a: 1 } })))
    assert.ok(results.every(({ statusCode }) => statusCode === 200))
    await world.gateway.request('/api/x')
    assert.deepEqual(world.codes, [...Array(5).fill('proof_clock'), ...Array(6).fill('')])
  })
}

test('clock and key can both be off', async t => {
  const world = await start(t)
  await world.gateway.request('/api/x')
  world.keys = [newKey(8)]
  world.ahead = 7200
  assert.equal((await world.gateway.request('/api/x')).statusCode, 200)
  assert.deepEqual(world.codes, ['', 'proof_stale', 'proof_clock', ''])
})

test('a gateway that always responds with proof_clock is not called endlessly', async t => {
  const world = await start(t)
  let day = 0
  world.stub.intercept = (call, reply) =>
    call.path === '/api/x' && (reply(403, { error: 'proof_clock', time: 86400 * ++day }, { 'X-Gateway-Error': 'proof_clock' }), true)
  assert.equal((await world.gateway.request('/api/x')).statusCode, 403)
  assert.equal(world.stub.calls.length, 4)
})

test('the clock is corrected by the Date header if the body was a file or came in chunks', async t => {
  const world = await start(t)
  const { stub, gateway, codes } = world
  const { intercept } = stub
  stub.intercept = (call, reply) => intercept(call, (status, body, header) => reply(status, body, { ...header, Date: new Date(Date.now() + world.ahead * 1000).toUTCString() }))
  world.ahead = 7200
  assert.equal((await gateway.downloadFile({ url: '/api/file' })).statusCode, 200)
  world.ahead = -7200
  assert.equal((await gateway.request({ url: '/api/x', enableChunked: true })).statusCode, 200)
  assert.deepEqual(codes, ['proof_clock', '', 'proof_clock', ''])
})

test('a 503 is retried with a new nonce', async t => {
  const world = await start(t)
  const { intercept } = world.stub
  let refused = 0
  world.stub.intercept = (call, reply) => intercept(call, reply) || (refused++ < 1 && (refuse(reply, 503, 'no_healthy_upstream', { 'Retry-After': '0' }), true))
  assert.equal((await world.gateway.request({ url: '/api/x', method: 'POST' })).statusCode, 200)
  assert.deepEqual(world.codes, ['', ''])
})

test('a refused token: the call is sent again with the next token and a new proof', async t => {
  const world = await start(t)
  const { intercept } = world.stub
  world.stub.intercept = (call, reply) => !world.stub.refusal(call.header) && intercept(call, reply)
  world.stub.refuseAll('session_ended')
  assert.equal((await world.gateway.request('/api/x')).statusCode, 200)
  assert.deepEqual(world.codes, [''])
  assert.equal(world.stub.to('/api/x').length, 2)
})

for (const code of ['proof_invalid', 'proof_replayed', 'proof_required', 'forbidden']) {
  test(`${code} is returned`, async t => {
    const world = await start(t)
    world.stub.intercept = (call, reply) => (refuse(reply, 403, code), true)
    assert.equal((await world.gateway.request({ url: '/api/x', method: 'POST' })).statusCode, 403)
    assert.equal(world.stub.calls.length, 1)
  })
}

test("a proof_stale of the backend's own is returned", async t => {
  const world = await start(t)
  world.stub.intercept = (call, reply) => (reply(403, { error: 'proof_stale' }), true)
  await world.gateway.request('/api/x')
  assert.equal(world.stub.calls.length, 1)
  assert.equal(world.asked, 1)
})

test('a handshake refused for its key is sent again with the latest key, without an event', async t => {
  const world = await start(t)
  await world.gateway.request('/api/x')
  world.keys = [newKey(8)]
  const task = world.gateway.connectSocket({ url: '/ws' })
  task.onError(error => assert.fail(error.errMsg))
  await new Promise(resolve => task.onMessage(resolve))
  assert.deepEqual(world.codes, ['', 'proof_stale', ''])
})

test('a handshake refused for its time is sent again with the time of the gateway', async t => {
  const world = await start(t)
  world.ahead = 7200
  world.stub.endpoints['GET /auth/session'] = (call, reply) => reply(200, {}, { Date: new Date(Date.now() + 7200e3).toUTCString() })
  const task = world.gateway.connectSocket({ url: '/ws' })
  await new Promise(resolve => task.onMessage(resolve))
  assert.deepEqual(world.codes, ['proof_clock', ''])
})

test('a handshake that fails for another reason is not sent again', async t => {
  const world = await start(t)
  world.stub.refuseHandshake = () => 'no_healthy_upstream'
  const task = world.gateway.connectSocket({ url: '/ws' })
  await new Promise(resolve => task.onClose(resolve))
  assert.equal(world.stub.to('/ws').length, 1)
})

const broken = {
  'WeChat gives no key': { userKey: async () => Promise.reject(new Error('no')) },
  'the base library has no keys': { wx: { getUserCryptoManager: undefined } },
  'the base library has no random values': { wx: { getRandomValues: undefined } },
  'random values fail': { wx: { getRandomValues: ({ fail }) => fail({ errMsg: 'getRandomValues:fail' }) } },
}

for (const [name, { userKey, wx }] of Object.entries(broken)) {
  test(`${name}: the call is sent without a proof, and the gateway decides`, async t => {
    const world = await start(t)
    Object.assign(world, userKey && { userKey })
    Object.assign(world.wx, wx)
    const { statusCode, data } = await world.gateway.request({ url: '/api/x', method: 'POST', data: { a: 1 } })
    assert.deepEqual([statusCode, data.error, world.stub.calls[0].body], [403, 'proof_required', '{"a":1}'])
    assert.equal(world.stub.calls.length, 1)
  })
}

test('a call waits at most five seconds for a WeChat that never responds', async t => {
  const world = await start(t)
  world.userKey = () => new Promise(() => {})
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const call = world.gateway.request('/api/x')
  while (!world.asked) await new Promise(setImmediate)
  t.mock.timers.tick(5000)
  assert.equal((await call).data.error, 'proof_required')
})

test('with paths, only calls to these are signed', async t => {
  const { stub, gateway } = await start(t, { paths: ['/pay/', '/api/%7Ex'] })
  for (const url of ['/pay/1', '/payment', '/api/~x', '/auth/session']) await gateway.request(url)
  assert.deepEqual(stub.calls.map(call => !!call.header['x-gateway-proof']), [true, false, false, false])
})

test('a URL of another server gets no proof', async t => {
  const otherServer = await startStub(t, { refusal: () => '' })
  const { gateway } = await start(t)
  await gateway.request(otherServer.url + '/api/x')
  assert.equal(otherServer.calls[0].header['x-gateway-proof'], undefined)
})

for (const [name, adapt] of Object.entries({ Taro: asTaro, 'uni-app': asUni })) {
  test(`everything is signed on ${name}`, async t => {
    const world = await start(t, { adapt })
    const { gateway } = world
    assert.equal((await gateway.request({ url: '/api/x', data: { a: '值' } })).statusCode, 200)
    world.keys = [newKey(8)]
    assert.equal((await gateway.request({ url: '/api/x', method: 'POST', data: { a: '值' } })).statusCode, 200)
    assert.equal((await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })).statusCode, 200)
    const socket = await gateway.connectSocket({ url: '/ws' })
    await new Promise(resolve => socket.onMessage(resolve))
    assert.deepEqual(world.codes, ['', 'proof_stale', '', '', ''])
  })
}

test('the built files need nothing of the language after 2017, no text encoder and no crypto', async t => {
  const world = await start(t)
  const sandbox = createContext({ wx: world.wx, setTimeout, index: {}, proof: {} })
  const late = ['BigInt', 'TextEncoder', 'TextDecoder', 'crypto', 'globalThis', 'WebAssembly', 'atob', 'btoa', 'WeakRef', 'Object.hasOwn', 'Object.fromEntries',
    'Array.prototype.at', 'Array.prototype.flat', 'String.prototype.replaceAll', 'String.prototype.matchAll', 'Promise.prototype.finally',
    'DataView.prototype.setBigUint64', 'DataView.prototype.getBigUint64', 'Promise.allSettled', 'String.prototype.at', 'Uint8Array.prototype.toHex']
  new Script(late.map(name => `delete ${name.includes('.') ? '' : 'this.'}${name}`).join('\n')).runInContext(sandbox)
  assert.equal(new Script('typeof BigInt + typeof Object.hasOwn + typeof DataView.prototype.setBigUint64').runInContext(sandbox), 'undefined'.repeat(3))
  for (const name of ['index', 'proof']) {
    const built = readFileSync(new URL(`../dist/${name}.js`, import.meta.url), 'utf8')
    new Script(`(exports => {${built}\n})(${name})`).runInContext(sandbox)
  }
  const gateway = sandbox.index.createGateway({ baseURL: world.stub.url, proof: sandbox.proof.newProof() })
  assert.equal((await gateway.request({ url: '/api/x', method: 'POST', data: { text: '你好😀' } })).statusCode, 200)
  assert.equal((await gateway.request({ url: '/api/x', method: 'POST', data: new Uint8Array(1 << 20).buffer })).statusCode, 200)
  assert.deepEqual(world.codes, ['', ''])
})
