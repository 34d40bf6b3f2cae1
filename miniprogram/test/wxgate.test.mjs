// Tests with a real gateway: `wxgate dev`, and `wxgate serve` if a backend or a short-lived token is needed.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGateway, installCloudRun } from '../dist/index.mjs'
import { newProof } from '../dist/proof.mjs'
import { buildWxgate, startBackend } from './support/wxgate.mjs'

const secondCopy = createRequire(import.meta.url)('../dist/index.js')
const ttl = 3000
const filePath = join(mkdtempSync(join(tmpdir(), 'wx-')), 'photo.png')
writeFileSync(filePath, 'picture')

let wxgate, backend, dev, short, signing

before(async () => {
  ;[wxgate, backend] = await Promise.all([buildWxgate(), startBackend()])
  const signed = proof => wxgate.serve(backend.url, 3600e3, { routes: [{ path: '/', upstreams: [backend.url], method_override: true, proof, unsigned_uploads: true }] })
  const [sign, report] = await Promise.all([signed('sign'), signed('report')])
  signing = { sign, report }
  ;[dev, short] = await Promise.all([wxgate.dev(), wxgate.serve(backend.url, ttl)])
})

after(async () => {
  await Promise.all([wxgate?.close(), backend?.stop()])
})

let users = 0

/** A new user for a test, with a phone and a gateway on it. */
function start(server, settings) {
  const user = 'user' + ++users
  const platform = server.phone(user, settings)
  return { user, platform, gateway: createGateway({ baseURL: server.url, platform }) }
}

/** The same with a gateway that needs proofs, and a phone to which WeChat provides the user's key. */
function startSigned(server) {
  const user = 'user' + ++users
  const userKey = async () => {
    const { encrypt_key, iv, version, expire_time } = await server.sim('user-key', { user })
    return { encryptKey: encrypt_key, iv, version, expireTime: expire_time }
  }
  const platform = server.phone(user, { userKey })
  return { user, platform, gateway: createGateway({ baseURL: server.url, platform, proof: newProof({ platform }) }) }
}

function parallel(n, act) {
  return Promise.all(Array.from({ length: n }, act))
}

function stored({ storage }) {
  return [...storage.values()].map(text => JSON.parse(text))
}

/** Changes the record of the token in the phone's storage. */
function tamper({ storage }, change) {
  for (const [key, text] of storage) storage.set(key, JSON.stringify({ ...JSON.parse(text), ...change }))
}

/** Whether the gateway refuses a token as expired. */
async function expired(server, token) {
  const response = await fetch(server.url + '/auth/session', { headers: { Authorization: 'Bearer ' + token } })
  return response.headers.get('X-Gateway-Error') === 'token_expired'
}

/** Ends every session of the user from another phone. */
async function endElsewhere(server, user) {
  await createGateway({ baseURL: server.url, platform: server.phone(user) }).logout({ all: true })
}

test('a login pre-fetched by WeChat is used instead of one by the phone', async () => {
  const { user, gateway, platform } = start(dev)
  const address = `${dev.url}/auth/prefetch/wxdev0000000000001/dev-pre-fetch-key-of-the-console`
  const { data, status } = await dev.sim('prefetch', { user, url: address })
  assert.equal(status, 200)
  const prefetched = JSON.parse(data)
  const response = await gateway.login({ prefetched })
  assert.equal(response.token, prefetched.token)
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.deepEqual(stored(platform).map(({ token }) => token), [prefetched.token])
})

test('cold start: the backend receives the identity, and no token', async () => {
  const { gateway, platform } = start(dev)
  const { statusCode, data } = await gateway.request('/api/x?a=1')
  assert.equal(statusCode, 200)
  assert.match(data.headers['X-Openid'][0], /\w/)
  assert.equal(data.headers.Authorization, undefined)
  assert.equal(platform.logins.length, 1)
})

test('20 calls on a cold start share one login', async () => {
  const { gateway, platform } = start(dev)
  const results = await parallel(20, () => gateway.request('/api/x'))
  assert.ok(results.every(({ statusCode }) => statusCode === 200))
  assert.equal(platform.logins.length, 1)
})

test('20 calls with a token that has expired at the gateway share one login', async () => {
  const { user, platform } = start(short)
  const { token } = await createGateway({ baseURL: short.url, platform }).login()
  // The phone's clock is wrong: by it the token has not expired.
  tamper(platform, { expires: Date.now() + 3600e3, life: 3600e3 })
  while (!(await expired(short, token))) await sleep(20)
  const phone = short.phone(user, { storage: platform.storage })
  const gateway = createGateway({ baseURL: short.url, platform: phone })
  const results = await parallel(20, () => gateway.request({ url: '/api/x', method: 'POST', data: { a: 1 } }))
  const { openid } = (await short.sim('users')).find(person => person.user === user)
  for (const { statusCode, data } of results) {
    assert.deepEqual([statusCode, data.body, data.header['x-openid']], [200, '{"a":1}', openid])
  }
  assert.equal(phone.logins.length, 1)
})

test('a new token sent with a response is valid for longer than the old one', async () => {
  const { gateway, platform } = start(short)
  const { token } = await gateway.login()
  do {
    await sleep(20)
    assert.equal((await gateway.request('/api/x')).statusCode, 200)
  } while (!(await expired(short, token)))
  assert.equal(platform.logins.length, 1)
})

test('a modified token causes one login', async () => {
  const { platform } = start(dev)
  await createGateway({ baseURL: dev.url, platform }).login()
  tamper(platform, { token: 'x.y.z' })
  const gateway = createGateway({ baseURL: dev.url, platform })
  const results = await parallel(20, () => gateway.request('/api/x'))
  assert.ok(results.every(({ statusCode }) => statusCode === 200))
  assert.equal(platform.logins.length, 2)
})

test('a token near its expiry is renewed, for the same session and without a login', async t => {
  const { gateway, platform } = start(dev)
  const { expires_in } = await gateway.login()
  const [before] = stored(platform)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + expires_in * 950 })
  await parallel(20, () => gateway.request('/api/x'))
  await gateway.ensureSession()
  const [current] = stored(platform)
  assert.ok(current.expires > before.expires + expires_in * 900)
  assert.equal(platform.logins.length, 1)
})

test('a session ended elsewhere is replaced by one login', async () => {
  const { user, gateway, platform } = start(dev)
  await gateway.request('/api/x')
  await endElsewhere(dev, user)
  const results = await parallel(20, () => gateway.request('/api/x'))
  assert.ok(results.every(({ statusCode }) => statusCode === 200))
  assert.equal(platform.logins.length, 2)
})

test('ensureSession notices a session ended elsewhere', async () => {
  const { user, gateway, platform } = start(dev)
  await gateway.ensureSession()
  await endElsewhere(dev, user)
  const info = await gateway.ensureSession()
  assert.match(info.appid, /^wx/)
  assert.equal(platform.logins.length, 2)
})

test("the backend's own 401 is returned to the caller", async () => {
  const { gateway, platform } = start(short)
  const { statusCode, data } = await gateway.request('/api/refuse')
  assert.equal(statusCode, 401)
  assert.equal(data.path, '/api/refuse')
  assert.equal(platform.logins.length, 1)
})

test('backend down: no login, and calls succeed when it is up again', async () => {
  const { gateway, platform } = start(short)
  await gateway.login()
  await backend.stop()
  const statuses = (await parallel(20, () => gateway.request('/api/x'))).map(({ statusCode }) => statusCode)
  await backend.start()
  assert.ok(statuses.every(status => status === 502 || status === 503), String(statuses))
  assert.equal(platform.logins.length, 1)
  let statusCode
  for (let left = 20; left > 0 && statusCode !== 200; left--) ({ statusCode } = await gateway.request('/api/x'))
  assert.equal(statusCode, 200)
})

test('while WeChat is unreachable the login is retried with the same code', async () => {
  const { gateway, platform } = start(short)
  await short.sim('fault', { api: '/sns/jscode2session', errcode: -1, times: 2 })
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(platform.logins.length, 1)
})

test('a login whose response was lost is one login at WeChat', async () => {
  const { gateway, platform } = start(dev)
  const { request } = platform
  let lost = 0
  platform.request = options => {
    const lose = options.url.endsWith('/auth/login') && lost++ < 1
    return request(lose ? { ...options, success: () => options.fail({ errMsg: 'request:fail lost' }) } : options)
  }
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(lost, 2)
  assert.equal(platform.logins.length, 1)
})

test('after a code that WeChat refuses the login uses a new one', async () => {
  const user = 'user' + ++users
  const codes = ['0a-no-such-code']
  const platform = dev.phone(user, { code: async () => codes.pop() ?? (await dev.sim('code', { user })).code })
  const gateway = createGateway({ baseURL: dev.url, platform })
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(platform.logins.length, 2)
})

test('a user whom WeChat blocks gets user_blocked', async () => {
  const { user, gateway, platform } = start(dev)
  await dev.sim('block', { user, blocked: true })
  await assert.rejects(gateway.request('/api/x'), { code: 'user_blocked', statusCode: 403 })
  assert.equal(platform.logins.length, 1)
})

test('onNewUser is called for the first login only', async () => {
  const { platform } = start(dev)
  const results = []
  const onNewUser = response => results.push(response.is_new_user)
  await createGateway({ baseURL: dev.url, platform, onNewUser }).login()
  await createGateway({ baseURL: dev.url, platform, onNewUser }).login()
  assert.deepEqual(results, [true])
})

test('two gateways with one storage, of two copies of the package, share a session', async () => {
  const { user, gateway, platform } = start(dev)
  const other = secondCopy.createGateway({ baseURL: dev.url, platform })
  const results = await parallel(10, (_, i) => (i % 2 ? gateway : other).request('/api/x'))
  await endElsewhere(dev, user)
  results.push(await gateway.request('/api/x'))
  const before = platform.logins.length
  results.push(await other.request('/api/x'))
  assert.ok(results.every(({ statusCode }) => statusCode === 200))
  assert.equal(platform.logins.length, before)
})

test('PATCH reaches the backend as PATCH', async () => {
  const { gateway } = start(dev)
  const { data } = await gateway.request({ url: '/api/x', method: 'PATCH', data: { a: 1 } })
  assert.equal(data.method, 'PATCH')
})

for (const legacy of [false, true]) {
  const kind = legacy ? ' (base library that tells no headers)' : ''

  test('uploads and downloads work, also with a session ended elsewhere' + kind, async () => {
    const { user, gateway, platform } = start(short, { legacy })
    const up = JSON.parse((await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })).data)
    assert.match(up.body, /picture/)
    assert.match(up.header['x-openid'], /\w/)
    await endElsewhere(short, user)
    assert.equal((await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })).statusCode, 200)
    assert.equal(platform.logins.length, 2)
    await endElsewhere(short, user)
    const { tempFilePath } = await gateway.downloadFile({ url: '/api/file' })
    assert.equal(JSON.parse(readFileSync(tempFilePath)).path, '/api/file')
    assert.equal(platform.logins.length, 3)
  })
}

test('a socket has the identity, and closes when the session ends', async () => {
  const { user, gateway } = start(short)
  const task = await gateway.connectSocket({ url: '/ws' })
  const messages = []
  await new Promise(resolve => task.onMessage(({ data }) => resolve(messages.push(data))))
  const { openid } = (await short.sim('users')).find(person => person.user === user)
  assert.deepEqual(messages, ['hello ' + openid])
  const closed = new Promise(resolve => task.onClose(resolve))
  await endElsewhere(short, user)
  await closed
})

test('a socket with a session ended elsewhere opens after one login', async () => {
  const { user, gateway, platform } = start(short)
  await gateway.login()
  await endElsewhere(short, user)
  const task = gateway.connectSocket({ url: '/ws' })
  task.onError(error => assert.fail(error.errMsg))
  const { data } = await new Promise(resolve => task.onMessage(resolve))
  assert.match(data, /^hello \w/)
  assert.equal(platform.logins.length, 2)
  task.close({})
})

test('a phone number by code, and by encrypted data', async () => {
  const { user, gateway } = start(dev)
  await gateway.ensureSession()
  const { code, phone } = await dev.sim('phone-code', { user })
  assert.equal((await gateway.bindPhone({ code })).pure_phone_number, phone.replace(/^\+?86/, ''))
  assert.match((await gateway.ensureSession()).user.phone, /\d{4}/)
  const { encrypted_data, iv } = await dev.sim('encrypt', { user, kind: 'phone' })
  const bound = await gateway.bindPhone({ encryptedData: encrypted_data, iv })
  assert.match(bound.phone_number, /\d{11}/)
})

test('a phone code submitted with the login', async () => {
  const { user, gateway } = start(dev)
  const { code } = await dev.sim('phone-code', { user })
  const { phone } = await gateway.login({ phoneCode: code })
  assert.match(phone.phone_number, /\d{11}/)
})

test('a session_key that WeChat has changed: the caller gets the error, and the next tap succeeds', async () => {
  const { user, gateway, platform } = start(dev)
  await gateway.ensureSession()
  await dev.sim('rotate', { user })
  const first = await dev.sim('encrypt', { user, kind: 'phone' })
  const detail = ({ encrypted_data, iv }) => ({ encryptedData: encrypted_data, iv })
  await assert.rejects(gateway.bindPhone(detail(first)), { code: 'session_key_stale' })
  assert.equal(platform.logins.length, 2)
  const second = await dev.sim('encrypt', { user, kind: 'phone' })
  assert.match((await gateway.bindPhone(detail(second))).phone_number, /\d{11}/)
})

test('ensureSession({sessionKey}) notices that WeChat has changed the key', async () => {
  const { user, gateway, platform } = start(dev)
  await gateway.ensureSession({ sessionKey: true })
  assert.equal(platform.logins.length, 1)
  await dev.sim('rotate', { user })
  await gateway.ensureSession({ sessionKey: true })
  assert.equal(platform.logins.length, 2)
})

test('a profile is stored, plain or signed', async () => {
  const { user, gateway } = start(dev)
  assert.equal((await gateway.setProfile({ nickname: '小明', avatarUrl: 'https://example.com/a.png' })).nickname, '小明')
  assert.equal((await gateway.ensureSession()).user.nickname, '小明')
  const { raw_data, signature } = await dev.sim('sign', { user })
  const profile = await gateway.setProfile({ rawData: raw_data, signature })
  assert.equal(profile.nickname, JSON.parse(raw_data).nickName)
})

test('after a logout the next call logs in again', async () => {
  const { gateway, platform } = start(dev)
  const { token } = await gateway.login()
  await gateway.logout()
  const response = await fetch(dev.url + '/api/x', { headers: { authorization: 'Bearer ' + token } })
  assert.equal(response.headers.get('x-gateway-error'), 'session_ended')
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(platform.logins.length, 2)
})

/** Opens a URL like a web-view; fetch would send headers that say it isn't one. */
function navigate(url, headers) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers }, response => {
      const chunks = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () => resolve({ statusCode: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }))
    })
    request.on('error', reject)
  })
}

test('webviewURL opens a page as the user, once', async () => {
  const routes = [{ path: '/h5/', upstreams: [backend.url], credentials: ['bearer', 'cookie'] }, { path: '/', upstreams: [backend.url] }]
  const server = await wxgate.serve(backend.url, 3600e3, { web: { cookie: '__Host-wxgate' }, routes })
  const { user, gateway } = start(server)
  const url = await gateway.webviewURL('/h5/orders?x=1#/list')
  const entered = await navigate(url, { 'user-agent': 'web-view' })
  assert.deepEqual([entered.statusCode, entered.headers.location], [303, '/h5/orders?x=1#/list'])
  const [cookie] = entered.headers['set-cookie'][0].split(';')
  const page = await navigate(new URL(entered.headers.location, server.url), { cookie })
  const { openid } = (await server.sim('users')).find(person => person.user === user)
  assert.equal(JSON.parse(page.body).header['x-openid'], openid)
  assert.equal((await navigate(url, { 'user-agent': 'another' })).statusCode, 401)
  await assert.rejects(gateway.webviewURL('/api/x'), { code: 'bad_request' })
})

for (const resetKey of [false, true]) {
  test(`logout({resetKey: ${resetKey}}) makes WeChat ${resetKey ? 'replace' : 'keep'} the session_key, and the other phone stays logged in`, async () => {
    const { user, gateway } = start(dev)
    await gateway.login()
    const platform = dev.phone(user)
    const other = createGateway({ baseURL: dev.url, platform })
    await other.login()
    await gateway.logout({ resetKey })
    await other.ensureSession({ sessionKey: true })
    assert.equal(platform.logins.length, 1)
    const { openid } = (await dev.sim('users')).find(person => person.user === user)
    const resets = (await dev.sim('calls')).filter(({ api, query }) => api === '/wxa/resetusersessionkey' && query.includes(openid))
    assert.equal(resets.length, resetKey ? 1 : 0)
  })
}

test('calls of callContainer go through the gateway unchanged', async () => {
  const { gateway, platform } = start(short)
  installCloudRun(platform, gateway)
  const { statusCode, data, callID } = await platform.cloud.callContainer({
    config: { env: 'prod' }, path: '/api/x', method: 'POST', header: { 'X-WX-SERVICE': 'orders' }, data: { a: 1 },
  })
  assert.equal(statusCode, 200)
  assert.equal(data.body, '{"a":1}')
  assert.match(data.header['x-openid'], /\w/)
  assert.equal(data.header['x-request-id'], callID)
})

for (const proof of ['sign', 'report']) {
  test(`proof: ${proof}: every kind of call is signed as the gateway expects, also after a change of the key`, async () => {
    const { user, gateway, platform } = startSigned(signing[proof])
    const data = { text: '你好，𠮷😀' }
    const calls = [
      () => gateway.request({ url: "/api/订单/x?q=a b&r=%e4%bd%a0&s='", data: { a: '值' } }),
      () => gateway.request({ url: '/api/x', method: 'POST', data }),
      () => gateway.request({ url: '/api/x', method: 'PATCH', data }),
      () => gateway.request({ url: '/api/x', method: 'PUT', data: new Uint8Array([0, 255]).buffer, header: { 'content-type': 'application/octet-stream' } }),
      () => gateway.uploadFile({ url: '/api/file', filePath, name: 'file' }),
      () => gateway.downloadFile({ url: '/api/file' }),
    ]
    for (const call of calls) assert.equal((await call()).statusCode, 200, String(call))
    await signing[proof].sim('user-key', { user, rotate: true })
    assert.equal((await gateway.request({ url: '/api/x', method: 'POST', data })).statusCode, 200)
    const task = gateway.connectSocket({ url: '/ws' })
    assert.match((await new Promise(resolve => task.onMessage(resolve))).data, /^hello /)
    task.close({})
    assert.equal(platform.logins.length, 1)
  })
}

test('proof: sign: a phone whose clock is off is corrected by the gateway', async t => {
  const { gateway } = startSigned(signing.sign)
  await gateway.login()
  const { now } = Date
  Date.now = () => now() + 5400e3
  t.after(() => (Date.now = now))
  assert.equal((await gateway.request({ url: '/api/x', method: 'POST', data: { a: 1 } })).statusCode, 200)
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
})

test('proof: sign: a token alone is refused', async () => {
  const { user, platform } = startSigned(signing.sign)
  const attacker = createGateway({ baseURL: signing.sign.url, platform: signing.sign.phone(user, { storage: platform.storage }) })
  const { statusCode, data } = await attacker.request({ url: '/api/x', method: 'POST' })
  assert.deepEqual([statusCode, data.error], [403, 'proof_required'])
})

test('a call that is at the backend when the caller logs out reaches it once', async () => {
  const { gateway, platform } = start(short)
  await gateway.login()
  const before = backend.seen('/api/delayed')
  const call = gateway.request({ url: '/api/delayed', method: 'POST', data: { sku: 'A1' } })
  while (backend.seen('/api/delayed') === before) await sleep(5)
  await gateway.logout()
  backend.release()
  assert.equal((await call).statusCode, 200)
  assert.equal(backend.seen('/api/delayed'), before + 1)
  assert.equal(platform.logins.length, 1)
})
