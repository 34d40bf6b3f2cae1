// logout ends the session, and no further attempt of its calls is sent.
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createGateway } from '../dist/index.mjs'
import { refuse, startStub } from './support/stub.mjs'

const filePath = join(mkdtempSync(join(tmpdir(), 'wx-')), 'photo.png')
writeFileSync(filePath, 'picture')

async function start(t) {
  const stub = await startStub(t)
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  await gateway.login()
  stub.calls.length = 0
  return { stub, platform, gateway }
}

/** Delays the responses to a path; `delayed` resolves with the function that sends the response of the first call. */
function delayResponses(stub, path) {
  return new Promise(resolve => {
    stub.intercept = (call, reply) => call.path === path && (resolve(respond => respond(reply)), true)
  })
}

const ended = reply => refuse(reply, 401, 'session_ended')

const calls = {
  'a POST': gateway => gateway.request({ url: '/api/x', method: 'POST', data: { sku: 'A1' } }),
  'a GET': gateway => gateway.request('/api/x'),
  'an upload': gateway => gateway.uploadFile({ url: '/api/x', filePath, name: 'file' }),
  'a download': gateway => gateway.downloadFile({ url: '/api/x' }),
}

for (const [name, send] of Object.entries(calls)) {
  test(`${name} whose session the caller ends is not sent again, and causes no login`, async t => {
    const { stub, platform, gateway } = await start(t)
    const delayed = delayResponses(stub, '/api/x')
    const call = send(gateway)
    const release = await delayed
    await gateway.logout()
    release(ended)
    assert.equal((await call).statusCode, 401)
    assert.equal(stub.to('/api/x').length, 1)
    assert.equal(platform.logins.length, 1)
    assert.equal(platform.storage.size, 0)
  })
}

test('the same if another gateway with the same storage ends the session', async t => {
  const { stub, platform, gateway } = await start(t)
  const delayed = delayResponses(stub, '/api/x')
  const call = gateway.request('/api/x')
  const release = await delayed
  await createGateway({ baseURL: stub.url, platform }).logout()
  release(ended)
  assert.equal((await call).statusCode, 401)
  assert.equal(platform.logins.length, 1)
})

test('a logout does not affect a gateway with another base URL', async t => {
  const { stub, platform, gateway } = await start(t)
  const delayed = delayResponses(stub, '/api/x')
  const call = gateway.request('/api/x')
  const release = await delayed
  await createGateway({ baseURL: stub.url + '/other', platform }).logout()
  stub.intercept = () => false
  release(ended)
  assert.equal((await call).statusCode, 200)
  assert.equal(platform.logins.length, 2)
})

test('a call that waits after a 503 is not sent again if its session is ended', async t => {
  const { stub, platform, gateway } = await start(t)
  const delayed = delayResponses(stub, '/api/x')
  const call = gateway.request({ url: '/api/x', method: 'POST' })
  const release = await delayed
  release(reply => refuse(reply, 503, 'no_healthy_upstream', { 'Retry-After': '0' }))
  await new Promise(setImmediate)
  await gateway.logout()
  const outcome = await call.catch(error => error)
  assert.ok(outcome.statusCode === 503 || outcome.errMsg === 'login:fail logged out', JSON.stringify(outcome))
  assert.equal(stub.to('/api/x').length, 1)
  assert.equal(platform.logins.length, 1)
})

test('a call made after the logout logs in and is sent again as usual', async t => {
  const { platform, gateway } = await start(t)
  await gateway.logout()
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
  assert.equal(platform.logins.length, 2)
})

test('bindPhone does not log in for a stale session_key if its session is ended meanwhile', async t => {
  const { stub, platform, gateway } = await start(t)
  const delayed = delayResponses(stub, '/auth/phone')
  const call = gateway.bindPhone({ encryptedData: 'e', iv: 'i' })
  const release = await delayed
  await gateway.logout()
  release(reply => refuse(reply, 401, 'session_key_stale'))
  await assert.rejects(call, { code: 'session_key_stale' })
  assert.equal(platform.logins.length, 1)
})

test('ensureSession does not log in for a new session_key if its session is ended meanwhile', async t => {
  const { stub, platform, gateway } = await start(t)
  const delayed = delayResponses(stub, '/auth/check')
  const call = gateway.ensureSession({ sessionKey: true })
  const release = await delayed
  await gateway.logout()
  release(reply => reply(200, { valid: false }))
  await assert.rejects(call, { errMsg: 'login:fail logged out' })
  assert.equal(platform.logins.length, 1)
})

test('a socket whose session is ended during the handshake is not opened again', async t => {
  const { stub, platform, gateway } = await start(t)
  stub.refuseAll('token_expired')
  const delayed = delayResponses(stub, '/auth/session')
  const task = gateway.connectSocket({ url: '/ws' })
  const closed = new Promise(resolve => task.onClose(resolve))
  const release = await delayed
  stub.endpoints['POST /auth/logout'] = (call, reply) => reply(204, '')
  await gateway.logout()
  release(reply => refuse(reply, 401, 'token_expired'))
  await closed
  assert.equal(stub.to('/ws').length, 1)
  assert.equal(platform.logins.length, 1)
})

test('logout({resetKey}) makes the gateway invalidate the session_key too', async t => {
  const { stub, platform, gateway } = await start(t)
  await gateway.logout({ resetKey: true })
  await gateway.logout({ all: true, resetKey: true })
  assert.deepEqual(stub.to('/auth/logout').map(call => JSON.parse(call.body)), [{ reset_key: true }, { all: true, reset_key: true }])
  assert.equal(platform.storage.size, 0)
})

test('logout({resetKey}) is retried while WeChat is unreachable', async t => {
  const { stub, gateway } = await start(t)
  let refused = 0
  stub.intercept = (call, reply) => call.path === '/auth/logout' && refused++ < 1 && (refuse(reply, 503, 'wechat_unavailable', { 'Retry-After': '0' }), true)
  await gateway.logout({ resetKey: true })
  assert.deepEqual(stub.to('/auth/logout').map(call => call.body), ['{"reset_key":true}', '{"reset_key":true}'])
})
