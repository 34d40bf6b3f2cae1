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
