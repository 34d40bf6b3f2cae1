import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGateway } from '../dist/index.mjs'
import { refuse, startStub } from './support/stub.mjs'

async function start(t, options) {
  const stub = await startStub(t)
  const platform = stub.phone()
  return { stub, platform, gateway: createGateway({ baseURL: stub.url, platform, ...options }) }
}

test('ensureSession checks the session at the gateway', async t => {
  const { stub, gateway } = await start(t)
  const info = await gateway.ensureSession()
  assert.equal(info.appid, 'wx1')
  assert.deepEqual(stub.calls.map(call => call.path), ['/auth/login', '/auth/session'])
})

test('ensureSession logs in if the session was ended elsewhere', async t => {
  const { stub, gateway, platform } = await start(t)
  await gateway.login()
  stub.refuseAll('session_ended')
  await gateway.ensureSession()
  assert.equal(platform.logins.length, 2)
  assert.equal((await gateway.bindPhone({ code: 'p' })).phone_number, '13800000000')
  assert.equal(stub.to('/auth/phone').length, 1)
})

test('ensureSession waits for a renewal that is due', async t => {
  const { stub, gateway } = await start(t)
  await gateway.login()
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 7000e3 })
  await gateway.ensureSession()
  assert.equal(stub.to('/auth/session')[0].header.authorization, 'Bearer token-2')
})

test('ensureSession({sessionKey}) logs in if WeChat has a new key', async t => {
  const { stub, gateway, platform } = await start(t)
  await gateway.ensureSession({ sessionKey: true })
  assert.equal(platform.logins.length, 1)
  stub.endpoints['POST /auth/check'] = (call, reply) => reply(200, { valid: false })
  await gateway.ensureSession({ sessionKey: true })
  assert.equal(platform.logins.length, 2)
})

test('bindPhone accepts the event details of the new and the old button', async t => {
  const { stub, gateway } = await start(t)
  const results = []
  await gateway.bindPhone({ errMsg: 'getPhoneNumber:ok', code: 'p1', encryptedData: 'e', iv: 'i', success: x => results.push(x.country_code) })
  await gateway.bindPhone({ encryptedData: 'e', iv: 'i' })
  assert.deepEqual(stub.to('/auth/phone').map(call => JSON.parse(call.body)), [{ code: 'p1' }, { encrypted_data: 'e', iv: 'i' }])
  assert.deepEqual(results, ['86'])
})

test('a phone code sent with a refused token is sent again, because the gateway has not used it', async t => {
  const { stub, gateway } = await start(t)
  await gateway.login()
  stub.refuseAll('token_expired')
  await gateway.bindPhone({ code: 'p1' })
  assert.deepEqual(stub.to('/auth/phone').map(call => JSON.parse(call.body)), [{ code: 'p1' }, { code: 'p1' }])
})

test('a stale session_key causes a login, and the caller gets the error', async t => {
  const { stub, gateway, platform } = await start(t)
  await gateway.login()
  stub.intercept = (call, reply) => call.path === '/auth/phone' && (refuse(reply, 401, 'session_key_stale'), true)
  await assert.rejects(gateway.bindPhone({ encryptedData: 'e', iv: 'i' }), { code: 'session_key_stale', errMsg: 'bindPhone:fail session_key_stale no' })
  assert.equal(stub.to('/auth/phone').length, 1)
  assert.equal(platform.logins.length, 2)
})

test('a phone code that WeChat refuses causes no login', async t => {
  const { stub, gateway, platform } = await start(t)
  stub.intercept = (call, reply) => call.path === '/auth/phone' && (refuse(reply, 401, 'invalid_code'), true)
  await assert.rejects(gateway.bindPhone({ code: 'used' }), { code: 'invalid_code' })
  assert.equal(stub.to('/auth/phone').length, 1)
  assert.equal(platform.logins.length, 1)
})

test('setProfile accepts plain and signed profiles', async t => {
  const { stub, gateway } = await start(t)
  assert.deepEqual(await gateway.setProfile({ nickname: '小明', avatarUrl: 'https://a/b' }), { nickname: '小明', avatar_url: 'https://a/b' })
  await gateway.setProfile({ rawData: '{}', signature: 's', encryptedData: 'e', iv: 'i', userInfo: {} })
  assert.deepEqual(JSON.parse(stub.to('/auth/profile')[1].body), { raw_data: '{}', signature: 's', encrypted_data: 'e', iv: 'i' })
})

test('logout ends the session at the gateway and drops the token', async t => {
  const { stub, gateway, platform } = await start(t)
  await gateway.login()
  await gateway.logout()
  assert.equal(stub.to('/auth/logout')[0].header.authorization, 'Bearer token-1')
  assert.equal(platform.storage.size, 0)
  await gateway.logout()
  assert.equal(stub.to('/auth/logout').length, 1)
  assert.equal((await gateway.request('/api/x')).data.header.authorization, 'Bearer token-2')
})

test('logout({all}) ends every session, even if this phone has none', async t => {
  const { stub, gateway } = await start(t)
  await gateway.logout({ all: true })
  assert.equal(stub.to('/auth/logout')[0].body, '{"all":true}')
})

test('logout of an ended session succeeds', async t => {
  const { stub, gateway, platform } = await start(t)
  await gateway.login()
  stub.refuseAll('session_ended')
  await gateway.logout()
  assert.equal(platform.storage.size, 0)
})

test('logout that fails at the gateway rejects, and the token is dropped', async t => {
  const { stub, gateway, platform } = await start(t)
  await gateway.login()
  stub.intercept = (call, reply) => (refuse(reply, 500, 'internal'), true)
  await assert.rejects(gateway.logout(), { code: 'internal' })
  assert.equal(platform.storage.size, 0)
})

test('logout during a login ends that login', async t => {
  const { stub, gateway, platform } = await start(t)
  gateway.login()
  await gateway.logout()
  assert.equal(stub.to('/auth/logout')[0].header.authorization, 'Bearer token-1')
  assert.equal(platform.storage.size, 0)
})

test('the endpoints are below the given prefix', async t => {
  const { stub, gateway } = await start(t, { auth: 'gate/' })
  stub.endpoints['POST /gate/login'] = stub.endpoints['POST /auth/login']
  stub.refusal = () => ''
  await gateway.ensureSession()
  assert.deepEqual(stub.calls.map(call => call.path), ['/gate/login', '/gate/session'])
})

test('if the user has refused, bindPhone rejects with the error of WeChat and sends nothing', async t => {
  const { stub, gateway, platform } = await start(t)
  const results = []
  const refusals = [
    { errMsg: 'getPhoneNumber:fail user deny', errno: 1400001 },
    { errMsg: 'getPhoneNumber:fail no permission', errno: 102 },
    { errMsg: 'getRealtimePhoneNumber:fail user deny' },
  ]
  for (const detail of refusals) {
    const call = gateway.bindPhone({ ...detail, fail: error => results.push(error.errMsg) })
    await assert.rejects(call, error => error instanceof Error && error.errMsg === detail.errMsg && error.message === detail.errMsg && error.errno === detail.errno)
  }
  await assert.rejects(gateway.bindPhone({}), { errMsg: 'bindPhone:fail no code' })
  assert.deepEqual(results, refusals.map(detail => detail.errMsg))
  assert.equal(stub.calls.length, 0)
  assert.equal(platform.logins.length, 0)
})

test('webviewURL requests a ticket and returns the full URL', async t => {
  const { stub, gateway } = await start(t)
  assert.equal(await gateway.webviewURL('/h5/orders?x=1#/list'), stub.url + '/auth/enter?ticket=t1')
  const [call] = stub.to('/auth/ticket')
  assert.deepEqual([call.method, JSON.parse(call.body), call.header.authorization], ['POST', { next: '/h5/orders?x=1#/list' }, 'Bearer token-1'])
})

test('webviewURL works with a base URL that has a path', async t => {
  const { stub } = await start(t)
  const gateway = createGateway({ baseURL: stub.url + '/gw', platform: stub.phone() })
  stub.intercept = (call, reply) => {
    const own = stub.endpoints[`${call.method} ${call.path.replace('/gw', '')}`]
    return own ? (own(call, reply), true) : false
  }
  assert.equal(await gateway.webviewURL('/h5/orders'), stub.url + '/gw/auth/enter?ticket=t1')
})

test('webviewURL with a refused token logs in and tries again', async t => {
  const { stub, gateway, platform } = await start(t)
  await gateway.login()
  stub.refuseAll('session_ended')
  assert.match(await gateway.webviewURL('/h5/orders'), /ticket=t1$/)
  assert.equal(platform.logins.length, 2)
})

test('webviewURL of a page that accepts no cookies fails with the error of the gateway', async t => {
  const { stub, gateway } = await start(t)
  stub.endpoints['POST /auth/ticket'] = (call, reply) => refuse(reply, 400, 'bad_request')
  await assert.rejects(gateway.webviewURL('https://evil.example/'), { code: 'bad_request', errMsg: 'webviewURL:fail bad_request no' })
})
