import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGateway } from '../dist/index.mjs'
import { refuse, startStub } from './support/stub.mjs'

async function loggedIn(t, settings) {
  const stub = await startStub(t, settings)
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  await gateway.login()
  stub.calls.length = 0
  return { stub, platform, gateway }
}

function onPath(path, act) {
  return (call, reply) => call.path === path && (act(reply, call), true)
}

test('a call is sent unchanged, with the token', async t => {
  const { gateway } = await loggedIn(t)
  const { data } = await gateway.request({ url: 'api/x?a=1', method: 'PUT', data: { b: 2 }, header: { 'X-Own': '3', authorization: 'own' } })
  assert.equal(data.method, 'PUT')
  assert.equal(data.path, '/api/x?a=1')
  assert.equal(data.body, '{"b":2}')
  assert.equal(data.header['x-own'], '3')
  assert.equal(data.header.authorization, 'Bearer token-1')
})

test('PATCH, which wx does not support, is sent with a method override', async t => {
  const { gateway } = await loggedIn(t)
  const { data } = await gateway.request({ url: '/api/x', method: 'PATCH', data: { a: 1 } })
  assert.equal(data.method, 'POST')
  assert.equal(data.header['x-http-method-override'], 'PATCH')
  assert.equal(data.body, '{"a":1}')
})

test('success, complete and the promise get the result', async t => {
  const { gateway } = await loggedIn(t)
  const results = []
  const result = await gateway.request({ url: '/api/x', success: x => results.push(x), complete: x => results.push(x) })
  assert.deepEqual(results, [result, result])
})

test('fail and complete get a failure, and the promise needs no catch', async t => {
  const { stub, gateway } = await loggedIn(t)
  stub.lose = () => true
  const results = []
  await new Promise(resolve => {
    gateway.request({ url: '/api/x', fail: x => results.push(x), complete: x => resolve(results.push(x)) })
  })
  assert.match(results[0].errMsg, /^request:fail /)
  assert.equal(results[1], results[0])
})

test('a call that fails in the network is not sent again', async t => {
  const { stub, gateway } = await loggedIn(t)
  stub.lose = () => true
  await assert.rejects(gateway.request('/api/x'), { errMsg: /^request:fail / })
  assert.equal(stub.calls.length, 1)
})

test('no token leaves the base URL', async t => {
  const otherServer = await startStub(t, { intercept: (call, reply) => (reply(200, {}, { 'X-Session-Token': 'evil' }), true) })
  const { stub, gateway } = await loggedIn(t)
  const under = createGateway({ baseURL: stub.url + '/gw/', platform: stub.phone() })
  const port = new URL(stub.url).port
  await gateway.request(otherServer.url + '/api/x')
  await under.request(stub.url + '/gwx')
  await under.request(stub.url + '/gw/../x')
  await under.request('/%2e%2E/x')
  await under.request('..\\x')
  await gateway.request(`http://localhost:${port}/api/x`)
  assert.deepEqual([...otherServer.calls, ...stub.calls].map(call => call.header.authorization), Array(6).fill(undefined))
  await gateway.request(`HTTP://127.0.0.1:${port}/api/x`)
  assert.equal(stub.calls.pop().header.authorization, 'Bearer token-1')
})

test('a URL of another server that begins like the base URL gets no token', async t => {
  const urls = []
  const platform = {
    ...(await startStub(t)).phone(),
    request: ({ url, header = {}, success }) => {
      if (url.endsWith('/auth/login')) return void success({ statusCode: 200, data: { token: 't', expires_in: 60 }, header: {} })
      urls.push([url, header.Authorization])
      success({ statusCode: 200, data: '', header: {} })
    },
  }
  const gateway = createGateway({ baseURL: 'https://api.example.com', platform })
  const strange = [
    'https://api.example.com.evil.example/', 'https://api.example.com@evil.example/', 'https://api.example.com\\@evil.example/',
    'https://api.example.com:8443/', 'http://api.example.com/', 'https://api.example.comx',
  ]
  for (const url of strange) await gateway.request(url)
  assert.deepEqual(urls, strange.map(url => [url, undefined]))
  for (const url of ['//evil.example/x', ' https://evil.example/', '?x=https://evil.example/..', '']) await gateway.request(url)
  assert.deepEqual(urls.slice(strange.length).map(([url]) => new URL(url).host), Array(4).fill('api.example.com'))
  assert.ok(urls.slice(strange.length).every(([, token]) => token === 'Bearer t'))
})

test("the backend's own 401 is returned and changes nothing", async t => {
  const { stub, gateway, platform } = await loggedIn(t)
  stub.intercept = onPath('/api/x', reply => reply(401, { error: 'token_expired', request_id: 'theirs' }))
  const { statusCode } = await gateway.request('/api/x')
  assert.equal(statusCode, 401)
  assert.equal(stub.calls.length, 1)
  assert.equal(platform.logins.length, 1)
  assert.equal(platform.storage.size, 1)
})

for (const code of ['token_missing', 'token_invalid', 'token_expired', 'session_ended']) {
  test(`${code}: one login, and the call is sent again, whatever its method`, async t => {
    const { stub, gateway, platform } = await loggedIn(t)
    stub.refuseAll(code)
    const { statusCode, data } = await gateway.request({ url: '/api/x', method: 'POST', data: { a: 1 } })
    assert.equal(statusCode, 200)
    assert.equal(data.header.authorization, 'Bearer token-2')
    assert.equal(data.body, '{"a":1}')
    assert.equal(platform.logins.length, 2)
  })
}

test('if the gateway refuses every token, there is one login and one more attempt, then the caller gets the 401', async t => {
  const { stub, gateway, platform } = await loggedIn(t)
  stub.intercept = onPath('/api/x', reply => refuse(reply, 401, 'token_invalid'))
  const { statusCode, data } = await gateway.request('/api/x')
  assert.equal(statusCode, 401)
  assert.equal(data.error, 'token_invalid')
  assert.equal(stub.to('/api/x').length, 2)
  assert.equal(platform.logins.length, 2)
})

for (const code of ['forbidden', 'phone_required', 'user_blocked', 'session_key_stale']) {
  test(`${code} causes no login`, async t => {
    const { stub, gateway, platform } = await loggedIn(t)
    stub.intercept = onPath('/api/x', reply => refuse(reply, code === 'session_key_stale' ? 401 : 403, code))
    await gateway.request('/api/x')
    assert.equal(stub.calls.length, 1)
    assert.equal(platform.logins.length, 1)
  })
}

test('503 for every call: each is sent three times at most, and none logs in', async t => {
  const { stub, gateway, platform } = await loggedIn(t)
  const sent = []
  stub.intercept = (call, reply) => (sent.push(Date.now()), refuse(reply, 503, 'no_healthy_upstream', { 'Retry-After': '1' }), true)
  const start = Date.now()
  const results = await Promise.all(Array.from({ length: 20 }, () => gateway.request({ url: '/api/x', method: 'POST' })))
  assert.ok(results.every(result => result.statusCode === 503))
  assert.equal(sent.length, 60)
  assert.equal(platform.logins.length, 1)
  const second = sent.slice(20, 40).map(at => at - start)
  assert.ok(Math.min(...second) >= 990, 'earlier than asked')
  assert.ok(Math.max(...second) - Math.min(...second) > 400, 'all at once')
})

test('a 429 of the gateway is retried after Retry-After', async t => {
  const { stub, gateway, platform } = await loggedIn(t)
  let refused = 0
  stub.intercept = (call, reply) => refused++ < 1 && (refuse(reply, 429, 'rate_limited', { 'Retry-After': '1' }), true)
  assert.equal((await gateway.request({ url: '/api/x', method: 'POST' })).statusCode, 200)
  assert.equal(platform.logins.length, 1)
})

test('a Retry-After of a minute is not waited for', async t => {
  const { stub, gateway } = await loggedIn(t)
  stub.intercept = (call, reply) => (refuse(reply, 503, 'store_unavailable', { 'Retry-After': '60' }), true)
  assert.equal((await gateway.request('/api/x')).statusCode, 503)
  assert.equal(stub.calls.length, 1)
})

test("after the backend's own 503 a call is sent again only if it is safe and there is a Retry-After", async t => {
  const { stub, gateway } = await loggedIn(t)
  stub.intercept = (call, reply) => (reply(503, {}, call.path === '/later' ? { 'Retry-After': '0' } : {}), true)
  await gateway.request({ url: '/later', method: 'POST' })
  await gateway.request({ url: '/later', method: 'PATCH' })
  await gateway.request('/silent')
  assert.equal(stub.calls.length, 3)
  await gateway.request('/later')
  assert.equal(stub.calls.length, 6)
})

test('502 and 504 are returned at once: the backend may have processed the call', async t => {
  const { stub, gateway } = await loggedIn(t)
  stub.intercept = (call, reply) => (refuse(reply, +call.path.slice(1), 'upstream_error', { 'Retry-After': '0' }), true)
  assert.equal((await gateway.request('/502')).statusCode, 502)
  assert.equal((await gateway.request('/504')).statusCode, 504)
  assert.equal(stub.calls.length, 2)
})

test('X-Session-Token replaces the token, in any letter case', async t => {
  const { stub, gateway, platform } = await loggedIn(t)
  stub.tokens.set('fresh', { code: '' })
  stub.intercept = onPath('/api/x', reply => reply(200, {}, { 'x-session-TOKEN': 'fresh' }))
  await gateway.request('/api/x')
  const { data } = await gateway.request('/api/y')
  assert.equal(data.header.authorization, 'Bearer fresh')
  assert.equal(JSON.parse([...platform.storage.values()][0]).token, 'fresh')
})

test('a new token expires no later than its session', async t => {
  const { stub, gateway, platform } = await loggedIn(t, { tokenLife: 100, sessionLife: 110 })
  stub.intercept = onPath('/api/x', reply => reply(200, {}, { 'X-Session-Token': 'fresh' }))
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now: now + 50000 })
  await gateway.request('/api/x')
  const { token, expires } = JSON.parse([...platform.storage.values()][0])
  assert.equal(token, 'fresh')
  assert.ok(expires <= now + 110000)
})

test('a token that arrives after the logout is not stored', async t => {
  const { stub, gateway, platform } = await loggedIn(t)
  let respond
  stub.intercept = onPath('/api/x', reply => (respond = () => reply(200, {}, { 'X-Session-Token': 'late' })))
  const call = gateway.request('/api/x')
  while (!respond) await new Promise(setImmediate)
  await gateway.logout()
  respond()
  await call
  assert.equal(platform.storage.size, 0)
})

test('a token that arrives after another login is not stored', async t => {
  const { stub, gateway, platform } = await loggedIn(t)
  let respond
  stub.intercept = onPath('/api/x', reply => (respond = () => reply(200, {}, { 'X-Session-Token': 'late' })))
  const call = gateway.request('/api/x')
  while (!respond) await new Promise(setImmediate)
  const { token } = await gateway.login()
  respond()
  await call
  assert.equal(JSON.parse([...platform.storage.values()][0]).token, token)
})

test('a token with less than a tenth of its lifetime left is renewed once, in the background', async t => {
  const { stub, gateway } = await loggedIn(t, { tokenLife: 100 })
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 89000 })
  await gateway.request('/api/x')
  assert.equal(stub.to('/auth/refresh').length, 0)
  t.mock.timers.tick(2000)
  await Promise.all(Array.from({ length: 20 }, () => gateway.request('/api/x')))
  while ((await gateway.request('/api/x')).data.header.authorization !== 'Bearer token-2');
  assert.equal(stub.to('/auth/refresh').length, 1)
})

test('a failed renewal is not repeated at once, and the token stays in use', async t => {
  const { stub, gateway, platform } = await loggedIn(t, { tokenLife: 100 })
  stub.intercept = onPath('/auth/refresh', reply => refuse(reply, 503, 'store_unavailable'))
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 91000 })
  for (let i = 0; i < 5; i++) assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(stub.to('/auth/refresh').length, 1)
  assert.equal(platform.logins.length, 1)
})

test('a renewal without a response is not repeated at once either', async t => {
  const { stub, gateway } = await loggedIn(t, { tokenLife: 100 })
  stub.lose = call => call.path === '/auth/refresh'
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 91000 })
  for (let i = 0; i < 5; i++) await gateway.request('/api/x')
  assert.equal(stub.to('/auth/refresh').length, 1)
})

test('the token of a renewal that ends after the logout is not stored', async t => {
  const { stub, gateway, platform } = await loggedIn(t, { tokenLife: 100 })
  let respond
  stub.intercept = onPath('/auth/refresh', reply => (respond = () => reply(200, stub.issue())))
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 91000 })
  const renewal = gateway.ensureSession()
  while (!respond) await new Promise(setImmediate)
  await gateway.logout()
  respond()
  await assert.rejects(renewal, { errMsg: 'login:fail logged out' })
  assert.equal(platform.logins.length, 1)
  assert.equal(platform.storage.size, 0)
})

test('a token that could not be stored is not replaced by an older stored one', async t => {
  const stub = await startStub(t, { tokenLife: 100 })
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  await gateway.login()
  platform.setStorageSync = () => {
    throw new Error('full')
  }
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now: now + 5000 })
  await gateway.login()
  t.mock.timers.setTime(now + 97000)
  await gateway.ensureSession()
  assert.equal(stub.to('/auth/refresh')[0].header.authorization, 'Bearer token-2')
})

test('abort works during the login, and nothing is sent after it', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const call = gateway.request('/api/x')
  call.abort()
  await assert.rejects(call, { errMsg: 'request:fail abort' })
  await gateway.request('/api/y')
  assert.equal(stub.to('/api/x').length, 0)
})

test('abort works during the call', async t => {
  const { stub, gateway } = await loggedIn(t)
  stub.intercept = () => true
  const call = gateway.request('/api/x')
  while (!stub.calls.length) await new Promise(setImmediate)
  call.abort()
  await assert.rejects(call, { errMsg: 'request:fail abort' })
})

test('listeners set before the login get the events of the last response, and none of a refused attempt', async t => {
  const { stub, gateway } = await loggedIn(t)
  stub.refuseAll()
  const received = []
  const call = gateway.request({ url: '/api/x', enableChunked: true })
  const removed = () => received.push('removed')
  call.onHeadersReceived(({ statusCode }) => received.push(statusCode))
  call.onChunkReceived(({ data }) => received.push(JSON.parse(Buffer.from(data)).path))
  call.onChunkReceived(removed)
  call.offChunkReceived(removed)
  await call
  assert.deepEqual(received, [200, '/api/x'])
})

test('listeners get the events of a gateway error that the caller gets', async t => {
  const { stub, gateway } = await loggedIn(t)
  stub.intercept = (call, reply) => (refuse(reply, 403, 'forbidden'), true)
  const received = []
  const call = gateway.request({ url: '/api/x', enableChunked: true })
  call.onChunkReceived(({ data }) => received.push(JSON.parse(Buffer.from(data)).error))
  await call
  assert.deepEqual(received, ['forbidden'])
})

test('a call interrupted in the background rejects', async t => {
  const { stub, gateway, platform } = await loggedIn(t)
  stub.intercept = () => (platform.interrupt(), true)
  await assert.rejects(gateway.request('/api/x'), { errMsg: 'request:fail interrupted' })
})
