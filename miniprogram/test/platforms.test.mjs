import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createGateway } from '../dist/index.mjs'
import { asTaro, asUni } from './support/adapters.mjs'
import { startStub } from './support/stub.mjs'

for (const [name, adapt] of Object.entries({ Taro: asTaro, 'uni-app': asUni })) {
  test(`everything works on ${name}`, async t => {
    const stub = await startStub(t)
    const gateway = createGateway({ baseURL: stub.url, platform: adapt(stub.phone()) })
    const filePath = join(mkdtempSync(join(tmpdir(), 'wx-')), 'a.txt')
    writeFileSync(filePath, 'a')
    assert.equal((await gateway.request('/api/x')).statusCode, 200)
    stub.refuseAll()
    assert.equal((await gateway.uploadFile({ url: '/api/file', filePath, name: 'file' })).statusCode, 200)
    assert.equal((await gateway.downloadFile({ url: '/api/file' })).statusCode, 200)
    const socket = await gateway.connectSocket({ url: '/ws' })
    assert.equal((await new Promise(resolve => socket.onMessage(resolve))).data, 'hello')
    stub.lose = () => true
    await assert.rejects(gateway.request('/api/x'), { errMsg: /^request:fail/ })
  })
}

test("clients that call wx.request go through the SDK if it replaces wx.request", async t => {
  const stub = await startStub(t)
  const wx = stub.phone()
  const platform = Object.create(wx, { request: { value: wx.request }, connectSocket: { value: wx.connectSocket } })
  const gateway = createGateway({ baseURL: stub.url, platform })
  for (const name of ['request', 'connectSocket']) Object.defineProperty(wx, name, { value: gateway[name], configurable: true })
  stub.refuseAll()
  const { data } = await new Promise((success, fail) => wx.request({ url: stub.url + '/api/x', success, fail }))
  assert.equal(data.header.authorization, 'Bearer token-1')
  const task = wx.connectSocket({ url: stub.url.replace('http', 'ws') + '/ws' })
  assert.equal((await new Promise(resolve => task.onMessage(resolve))).data, 'hello')
})
