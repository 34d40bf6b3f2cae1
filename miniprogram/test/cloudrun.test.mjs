import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGateway, installCloudRun } from '../dist/index.mjs'
import { startStub } from './support/stub.mjs'

async function start(t, cloud, options) {
  const stub = await startStub(t)
  const wx = stub.phone()
  if (cloud) Object.defineProperty(wx, 'cloud', { get: () => cloud })
  installCloudRun(wx, createGateway({ baseURL: stub.url, platform: wx }), options)
  return { stub, wx }
}

test('callContainer calls the gateway with its options, without those for Cloud Run', async t => {
  const { wx } = await start(t)
  const result = await wx.cloud.callContainer({
    config: { env: 'prod-1' },
    path: '/api/x',
    method: 'POST',
    header: { 'X-WX-SERVICE': 'orders', 'x-wx-exclude-credentials': 'openid', 'X-Own': '1' },
    data: { a: 1 },
    timeout: 15000,
  })
  assert.equal(result.errMsg, 'cloud.callContainer:ok')
  assert.equal(result.statusCode, 200)
  assert.equal(typeof result.callID, 'string')
  assert.ok(result.header)
  assert.equal(result.data.path, '/api/x')
  assert.equal(result.data.method, 'POST')
  assert.equal(result.data.body, '{"a":1}')
  assert.equal(result.data.header['x-own'], '1')
  assert.equal(result.data.header.authorization, 'Bearer token-1')
  assert.deepEqual(Object.keys(result.data.header).filter(name => name.startsWith('x-wx-')), [])
})

test('callContainer calls the callbacks, and success for any status', async t => {
  const { stub, wx } = await start(t)
  stub.intercept = (call, reply) => call.path === '/api/x' && (reply(404, 'none', { 'X-Request-ID': 'r7' }), true)
  const results = []
  await new Promise(resolve => {
    wx.cloud.callContainer({ path: 'api/x', dataType: 'text', success: x => results.push(x), complete: resolve })
  })
  assert.equal(results.length, 1)
  assert.deepEqual([results[0].statusCode, results[0].data, results[0].callID], [404, 'none', 'r7'])
})

test('callContainer returns an ArrayBuffer if requested', async t => {
  const { wx } = await start(t)
  const { data } = await wx.cloud.callContainer({ path: '/api/x', responseType: 'arraybuffer' })
  assert.ok(data instanceof ArrayBuffer)
})

test('the errors of callContainer have its name', async t => {
  const { stub, wx } = await start(t)
  stub.lose = () => true
  const error = await new Promise(fail => wx.cloud.callContainer({ path: '/api/x', fail }))
  assert.match(error.errMsg, /^cloud.callContainer:fail \w/)
  assert.equal(error.errCode, -1)
})

test('a path can not lead to another host', async t => {
  const { stub, wx } = await start(t)
  await wx.cloud.callContainer({ path: '//evil.example/x' })
  await wx.cloud.callContainer({ path: 'https://evil.example/x' })
  assert.deepEqual(stub.calls.slice(1).map(call => call.path), ['/evil.example/x', '/https://evil.example/x'])
})

test('each service can have a prefix', async t => {
  const { stub, wx } = await start(t, undefined, { services: { orders: '/orders' } })
  await wx.cloud.callContainer({ path: '/list', header: { 'X-WX-SERVICE': 'orders' } })
  await wx.cloud.callContainer({ path: '/list', service: 'orders' })
  await wx.cloud.callContainer({ path: '/list', header: { 'X-WX-SERVICE': 'other' } })
  assert.deepEqual(stub.calls.slice(1).map(call => call.path), ['/orders/list', '/orders/list', '/list'])
})

test('the rest of wx.cloud is unchanged, and instances of Cloud call the gateway too', async t => {
  class Cloud {
    async init() {
      throw new Error('environment gone')
    }
    callContainer() {
      assert.fail()
    }
    database() {
      return 'database'
    }
  }
  const cloud = { init: () => 'inited', Cloud, callContainer: () => assert.fail() }
  const { wx } = await start(t, cloud)
  assert.equal(wx.cloud.init({ env: 'prod-1' }), 'inited')
  const instance = new wx.cloud.Cloud({ resourceEnv: 'prod-1' })
  await instance.init()
  assert.equal((await instance.callContainer({ path: '/api/x' })).statusCode, 200)
  assert.equal(instance.database(), 'database')
})
