import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { createGateway } from '../dist/index.mjs'
import { refuse, startStub } from './support/stub.mjs'

const secondCopy = createRequire(import.meta.url)('../dist/index.js')

function times(n, act) {
  return Promise.all(Array.from({ length: n }, act))
}

test('a cold start logs in before the first call', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const { statusCode, data } = await gateway.request('/api/x')
  assert.equal(statusCode, 200)
  assert.equal(data.header.authorization, 'Bearer token-1')
  assert.deepEqual(stub.calls.map(call => call.path), ['/auth/login', '/api/x'])
  assert.match(stub.calls[0].header['idempotency-key'], /^[0-9a-f]{32}$/)
})

test('the next start uses the token in storage', async t => {
  const stub = await startStub(t)
  const storage = new Map()
  await createGateway({ baseURL: stub.url, platform: stub.phone({ storage }) }).request('/api/x')
  await createGateway({ baseURL: stub.url, platform: stub.phone({ storage }) }).request('/api/x')
  assert.equal(stub.to('/auth/login').length, 1)
})

test('tokens are kept apart by base URL and appid', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  await createGateway({ baseURL: stub.url, platform }).request('/api/x')
  await createGateway({ baseURL: stub.url, platform, appid: 'wx2' }).request('/api/x')
  assert.deepEqual(stub.to('/auth/login').map(call => JSON.parse(call.body).appid), ['', 'wx2'].map(appid => appid || undefined))
  assert.equal(platform.storage.size, 2)
})

test('20 concurrent calls on a cold start share one login', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const results = await times(20, () => gateway.request('/api/x'))
  assert.ok(results.every(result => result.statusCode === 200))
  assert.equal(stub.to('/auth/login').length, 1)
})

test('20 concurrent calls with a token that the gateway calls expired share one login and are each sent again once', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  await gateway.login()
  stub.refuseAll('token_expired')
  const results = await times(20, () => gateway.request('/api/x'))
  assert.ok(results.every(result => result.statusCode === 200))
  assert.equal(stub.to('/auth/login').length, 2)
  assert.equal(stub.to('/api/x').length, 40)
})

test('a token that has expired by the clock is not sent', async t => {
  const stub = await startStub(t, { tokenLife: 1 })
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  await gateway.request('/api/x')
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 2000 })
  await times(20, () => gateway.request('/api/x'))
  assert.equal(stub.to('/auth/login').length, 2)
  assert.equal(stub.to('/auth/refresh').length, 0)
  assert.equal(stub.to('/api/x').length, 21)
})

test('two pages starting at once share one login', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  const pages = [createGateway({ baseURL: stub.url, platform }), createGateway({ baseURL: stub.url, platform })]
  await Promise.all(pages.map(page => page.request('/api/x')))
  assert.equal(stub.to('/auth/login').length, 1)
})

test('of two copies of the package with one storage, the second uses the login of the first', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  const first = createGateway({ baseURL: stub.url, platform })
  const second = secondCopy.createGateway({ baseURL: stub.url, platform })
  await Promise.all([first.request('/api/x'), second.request('/api/x')])
  stub.refuseAll('session_ended')
  const before = stub.to('/auth/login').length
  await first.request('/api/x')
  const { statusCode } = await second.request('/api/x')
  assert.equal(statusCode, 200)
  assert.equal(stub.to('/auth/login').length, before + 1)
})

test('if a token and then the stored token are refused, there is a login', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  const first = createGateway({ baseURL: stub.url, platform })
  const second = secondCopy.createGateway({ baseURL: stub.url, platform })
  await first.request('/api/x')
  await second.request('/api/x')
  await first.login()
  stub.refuseAll('session_ended')
  assert.equal((await second.request('/api/x')).statusCode, 200)
})

test('a login whose response was lost is sent again with the same code and key', async t => {
  const stub = await startStub(t)
  let lost = 0
  stub.lose = call => call.path === '/auth/login' && lost++ < 2
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(platform.logins.length, 1)
  const logins = stub.to('/auth/login')
  assert.equal(logins.length, 3)
  assert.equal(new Set(logins.map(call => call.body + call.header['idempotency-key'])).size, 1)
})

test('a login interrupted in the background is sent again with the same code', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  let interrupted = false
  stub.intercept = () => {
    if (interrupted) return false
    interrupted = true
    platform.interrupt()
    return true
  }
  const gateway = createGateway({ baseURL: stub.url, platform })
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(platform.logins.length, 1)
})

test('a login without network fails with the error of wx', async t => {
  const stub = await startStub(t)
  stub.lose = () => true
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  await assert.rejects(gateway.request('/api/x'), { errMsg: /^request:fail / })
  assert.equal(stub.calls.length, 3)
})

test('an invalid code causes one more wx.login, at least a second later', async t => {
  const stub = await startStub(t)
  stub.intercept = (call, reply) => call.path === '/auth/login' && (refuse(reply, 401, 'invalid_code'), true)
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  await assert.rejects(gateway.request('/api/x'), { code: 'invalid_code', statusCode: 401, errMsg: 'login:fail invalid_code no', requestId: 'r1' })
  assert.equal(platform.logins.length, 2)
  assert.ok(platform.logins[1] - platform.logins[0] >= 990)
  assert.notEqual(stub.calls[0].header['idempotency-key'], stub.calls[1].header['idempotency-key'])
})

test('on store_unavailable the login is sent again with the same code', async t => {
  const stub = await startStub(t)
  let refused = 0
  stub.intercept = (call, reply) =>
    call.path === '/auth/login' && refused++ < 1 && (refuse(reply, 503, 'store_unavailable', { 'Retry-After': '1' }), true)
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(platform.logins.length, 1)
})

test('after a Retry-After of a minute there is no login request within it', async t => {
  const stub = await startStub(t)
  stub.intercept = (call, reply) => (refuse(reply, 429, 'rate_limited', { 'Retry-After': '60' }), true)
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  await assert.rejects(gateway.request('/api/x'), { code: 'rate_limited', retryAfter: 60000 })
  await assert.rejects(gateway.request('/api/x'), { code: 'rate_limited' })
  assert.equal(stub.calls.length, 1)
  assert.equal(platform.logins.length, 1)
})

test('user_blocked is returned, and no retry follows', async t => {
  const stub = await startStub(t)
  stub.intercept = (call, reply) => (refuse(reply, 403, 'user_blocked'), true)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  await assert.rejects(gateway.login(), { code: 'user_blocked', statusCode: 403 })
  assert.equal(stub.calls.length, 1)
})

test('an error page of a proxy is not a response of the gateway', async t => {
  const stub = await startStub(t)
  let refused = 0
  stub.intercept = (call, reply) => refused++ < 1 && (reply(502, '<html>'), true)
  const platform = stub.phone()
  await createGateway({ baseURL: stub.url, platform }).login()
  assert.equal(platform.logins.length, 1)
})

test('onNewUser is called for the first login, and its errors do not fail the login', async t => {
  const stub = await startStub(t, { newUser: true })
  const platform = stub.phone()
  const results = await new Promise(resolve => {
    createGateway({ baseURL: stub.url, platform, onNewUser: resolve }).request('/api/x')
  })
  assert.equal(results.is_new_user, true)
  stub.newUser = false
  const gateway = createGateway({ baseURL: stub.url, platform, onNewUser: () => assert.fail() })
  await gateway.login()
})

test('login sends a phone code, and its callbacks get the response', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const results = []
  const response = await gateway.login({ phoneCode: 'p1', success: x => results.push(x), complete: x => results.push(x) })
  assert.equal(response.token, 'token-1')
  assert.deepEqual(results, [response, response])
  assert.equal(JSON.parse(stub.calls[0].body).phone_code, 'p1')
})

test('no call fails because the storage fails', async t => {
  const stub = await startStub(t)
  const broken = () => {
    throw new Error('full')
  }
  const storage = { getStorageSync: broken, setStorageSync: broken, removeStorageSync: broken }
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone(), storage })
  await gateway.request('/api/x')
  await gateway.request('/api/x')
  assert.equal(stub.to('/auth/login').length, 1)
})

const badBaseURLs = ['', 'api.example.com', '/api', 'https://', 'https://a.example?x=1', 'https://user@a.example', 'wss://a.example',
  'http://api.example.com', 'http://api.example.com:8080/gw', 'http://1.2.3.4.example.com', 'http://localhost.example.com', 'http://user@localhost']

for (const baseURL of badBaseURLs) {
  test(`baseURL ${JSON.stringify(baseURL)} is refused with a correct example`, () => {
    assert.throws(() => createGateway({ baseURL, platform: {} }), ({ message }) => message ===
      `wxgate: bad baseURL; write baseURL: 'https://api.example.com' (or http://localhost), not ${JSON.stringify(baseURL)}`)
  })
}

for (const name of ['baseUrl', 'baseurl', 'url']) {
  test(`the option ${name} is refused with the correct name`, () => {
    assert.throws(() => createGateway({ [name]: 'https://api.example.com' }), ({ message }) => message.endsWith(`write baseURL: 'https://api.example.com' (or http://localhost), not ${name}`))
  })
}

const goodBaseURLs = ['https://api.example.com', 'HTTPS://API.example.com:8443/gw/', 'http://localhost', 'http://localhost:8080/gw', 'http://127.0.0.1:8080',
  'http://192.168.1.5', 'http://[::1]:8080']

for (const baseURL of goodBaseURLs) {
  test(`baseURL ${JSON.stringify(baseURL)} is accepted`, () => void createGateway({ baseURL, platform: {} }))
}
