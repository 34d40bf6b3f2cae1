import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGateway } from '../dist/index.mjs'
import { refuse, startStub } from './support/stub.mjs'

/** The events of a socket, in order; until waits for the first of a kind. */
function record(socket) {
  const received = []
  let wake = () => {}
  const on = (event, pick) => socket['on' + event](detail => (received.push([event, pick(detail)]), wake()))
  on('Open', () => '')
  on('Message', ({ data }) => data)
  on('Error', ({ errMsg }) => errMsg)
  on('Close', ({ code }) => code)
  const until = async event => {
    while (!received.some(([name]) => name === event)) await new Promise(resolve => (wake = resolve))
    return received
  }
  return { received, until }
}

test('a socket opens after the login, with the token, and transfers both ways', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const task = gateway.connectSocket({ url: '/ws', header: { 'X-Own': '1' } })
  const { until, received } = record(task)
  assert.deepEqual(await until('Message'), [['Open', ''], ['Message', 'hello']])
  received.length = 0
  task.send({ data: 'ping' })
  assert.deepEqual(await until('Message'), [['Message', 'ping']])
  task.close({ code: 1000 })
  assert.deepEqual((await until('Close')).pop(), ['Close', 1000])
  const [call] = stub.to('/ws')
  assert.equal(call.header.authorization, 'Bearer token-1')
  assert.equal(call.header['x-own'], '1')
})

test('the promise resolves with the task, and success is called', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const results = []
  const task = await gateway.connectSocket({ url: '/ws', success: x => results.push(x) })
  assert.deepEqual(results, [{ errMsg: 'connectSocket:ok' }])
  const { until } = record(task)
  assert.deepEqual((await until('Message')).pop(), ['Message', 'hello'])
})

test('a handshake refused for the token is sent again after one login, without an event', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  await gateway.login()
  stub.refuseAll('session_ended')
  const { until } = record(gateway.connectSocket({ url: '/ws' }))
  assert.deepEqual(await until('Message'), [['Open', ''], ['Message', 'hello']])
  assert.equal(platform.logins.length, 2)
  assert.equal(stub.to('/ws').length, 2)
})

test('late events of the refused socket are dropped', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  const { connectSocket } = platform
  const late = []
  platform.connectSocket = options => {
    const task = connectSocket(options)
    const { onClose } = task
    task.onClose = listener => onClose(detail => late.push(() => listener(detail)))
    return task
  }
  const gateway = createGateway({ baseURL: stub.url, platform })
  await gateway.login()
  stub.refuseAll()
  const { until, received } = record(gateway.connectSocket({ url: '/ws' }))
  await until('Message')
  assert.equal(late.length, 1)
  late.forEach(report => report())
  assert.deepEqual(received, [['Open', ''], ['Message', 'hello']])
})

test('a socket closed while its token is checked stays closed', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  await gateway.login()
  stub.refuseAll()
  let respond
  stub.intercept = (call, reply) => call.path === '/auth/session' && (respond = () => refuse(reply, 401, 'token_expired'), true)
  const task = gateway.connectSocket({ url: '/ws' })
  const { until } = record(task)
  while (!respond) await new Promise(setImmediate)
  task.close({})
  respond()
  await until('Close')
  assert.equal(stub.to('/ws').length, 1)
  assert.equal(stub.to('/auth/login').length, 1)
})

test('a handshake that fails for another reason reaches onError and onClose', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  const gateway = createGateway({ baseURL: stub.url, platform })
  await gateway.login()
  stub.refusal = ({ upgrade }) => (upgrade ? 'no_healthy_upstream' : '')
  const { until } = record(gateway.connectSocket({ url: '/ws' }))
  const received = await until('Close')
  assert.deepEqual(received.map(([event]) => event), ['Error', 'Close'])
  assert.equal(stub.to('/ws').length, 1)
  assert.equal(platform.logins.length, 1)
})

test('a login that fails reaches onError and fail', async t => {
  const stub = await startStub(t)
  stub.intercept = (call, reply) => (refuse(reply, 403, 'user_blocked'), true)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const failed = []
  const { until } = record(gateway.connectSocket({ url: '/ws', fail: error => failed.push(error.code) }))
  assert.deepEqual(await until('Error'), [['Error', 'login:fail user_blocked no']])
  assert.deepEqual(failed, ['user_blocked'])
})

test('a socket closed during the login is never opened', async t => {
  const stub = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const task = gateway.connectSocket({ url: '/ws' })
  const { received } = record(task)
  let failed
  task.send({ data: 'early', fail: error => (failed = error.errMsg) })
  task.close({})
  await assert.rejects(task, { errMsg: 'connectSocket:fail closed' })
  assert.deepEqual(received, [['Close', 1000]])
  assert.match(failed, /^sendSocketMessage:fail/)
  assert.equal(stub.to('/ws').length, 0)
})

test('a socket of another server gets no token', async t => {
  const stub = await startStub(t)
  const otherServer = await startStub(t, { refusal: () => '' })
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  const { until } = record(gateway.connectSocket({ url: otherServer.url.replace('http', 'ws') + '/ws' }))
  await until('Message')
  assert.equal(otherServer.calls[0].header.authorization, undefined)
  assert.equal(stub.calls.length, 0)
})
