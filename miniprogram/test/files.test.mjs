import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createGateway } from '../dist/index.mjs'
import { refuse, startStub } from './support/stub.mjs'

const filePath = join(mkdtempSync(join(tmpdir(), 'wx-')), 'photo.png')
writeFileSync(filePath, 'picture')

for (const legacy of [false, true]) {
  const kind = legacy ? ' (base library that tells no headers)' : ''

  async function loggedIn(t) {
    const stub = await startStub(t)
    const platform = stub.phone({ legacy })
    const gateway = createGateway({ baseURL: stub.url, platform })
    await gateway.login()
    return { stub, platform, gateway }
  }

  test('an upload has the token, and reports its progress' + kind, async t => {
    const stub = await startStub(t)
    const gateway = createGateway({ baseURL: stub.url, platform: stub.phone({ legacy }) })
    const call = gateway.uploadFile({ url: '/api/file', filePath, name: 'file', formData: { a: '1' } })
    const received = []
    call.onProgressUpdate(({ progress }) => received.push(progress))
    const { data, statusCode } = await call
    const { header, body } = JSON.parse(data)
    assert.equal(statusCode, 200)
    assert.equal(header.authorization, 'Bearer token-1')
    assert.match(body, /name="a"\r\n\r\n1\r\n/)
    assert.match(body, /filename="photo.png"\r\n\r\npicture\r\n/)
    assert.deepEqual(received, [100])
  })

  test('an upload with a refused token is sent again after one login' + kind, async t => {
    const { stub, gateway, platform } = await loggedIn(t)
    stub.refuseAll()
    const { statusCode } = await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })
    assert.equal(statusCode, 200)
    assert.equal(platform.logins.length, 2)
    assert.equal(stub.to('/api/file').length, 2)
  })

  // Without headers, the gateway's 503 can't be told from the backend's, which has received the upload.
  test('an upload that the gateway has no backend for is ' + (legacy ? 'returned' : 'sent again') + kind, async t => {
    const { stub, gateway } = await loggedIn(t)
    let refused = 0
    stub.intercept = (call, reply) => refused++ < 1 && (refuse(reply, 503, 'no_healthy_upstream', { 'Retry-After': '1' }), true)
    const { statusCode } = await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })
    assert.equal(statusCode, legacy ? 503 : 200)
  })

  test("an upload's or download's 401 from the backend is returned" + kind, async t => {
    const { stub, gateway, platform } = await loggedIn(t)
    stub.intercept = (call, reply) => call.path === '/api/file' && (reply(401, { error: 'token_expired', request_id: 'theirs' }), true)
    assert.equal((await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })).statusCode, 401)
    assert.equal((await gateway.downloadFile({ url: '/api/file' })).statusCode, 401)
    assert.equal(stub.to('/api/file').length, 2)
    assert.equal(platform.logins.length, 1)
  })

  test('a download has the token' + kind, async t => {
    const stub = await startStub(t)
    const gateway = createGateway({ baseURL: stub.url, platform: stub.phone({ legacy }) })
    const { tempFilePath } = await gateway.downloadFile({ url: '/api/file' })
    assert.equal(JSON.parse(readFileSync(tempFilePath)).header.authorization, 'Bearer token-1')
  })

  test('a download with a refused token is sent again after one login' + kind, async t => {
    const { stub, gateway, platform } = await loggedIn(t)
    stub.refuseAll()
    const { statusCode, tempFilePath } = await gateway.downloadFile({ url: '/api/file' })
    assert.equal(statusCode, 200)
    assert.equal(JSON.parse(readFileSync(tempFilePath)).path, '/api/file')
    assert.equal(platform.logins.length, 2)
  })
}

test('uploads store a new token from the headers that only their task has', async t => {
  const stub = await startStub(t)
  const platform = stub.phone()
  const { uploadFile } = platform
  platform.uploadFile = options => uploadFile({ ...options, success: ({ header, ...result }) => options.success(result) })
  const gateway = createGateway({ baseURL: stub.url, platform })
  stub.tokens.set('fresh', { code: '' })
  stub.intercept = (call, reply) => call.path === '/api/file' && (reply(200, {}, { 'X-Session-Token': 'fresh' }), true)
  await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })
  assert.equal((await gateway.request('/api/x')).data.header.authorization, 'Bearer fresh')
})

test('files on other servers are fetched without token and without login', async t => {
  const stub = await startStub(t)
  const otherServer = await startStub(t)
  const gateway = createGateway({ baseURL: stub.url, platform: stub.phone() })
  await gateway.downloadFile({ url: otherServer.url + '/file' })
  await gateway.uploadFile({ url: otherServer.url + '/file', filePath, name: 'file' })
  assert.deepEqual(otherServer.calls.map(call => call.header.authorization), [undefined, undefined])
  assert.equal(stub.calls.length, 0)
})
