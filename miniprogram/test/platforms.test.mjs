import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createGateway } from '../dist/index.mjs'
import { startStub } from './support/stub.mjs'

/** Taro: every call is a promise too, which fails beside the callback; connectSocket promises its task. */
function asTaro(wx) {
  const promised = api => options => {
    let task
    const promise = new Promise((resolve, reject) => {
      task = wx[api]({
        ...options,
        success: result => (options.success?.(result), resolve(result)),
        fail: error => (options.fail?.(error), reject(error)),
      })
    })
    return Object.assign(promise, task)
  }
  const connectSocket = async options => wx.connectSocket(options)
  const [request, uploadFile, downloadFile, login] = ['request', 'uploadFile', 'downloadFile', 'login'].map(promised)
  return { ...wx, request, uploadFile, downloadFile, login, connectSocket }
}

/** uni-app: a call without any callback gives a promise instead of its task. */
function asUni(wx) {
  const called = api => options => {
    if (options.success || options.fail || options.complete) return wx[api](options)
    return new Promise((success, fail) => wx[api]({ ...options, success, fail }))
  }
  const apis = ['request', 'uploadFile', 'downloadFile', 'connectSocket', 'login']
  return { ...wx, ...Object.fromEntries(apis.map(api => [api, called(api)])) }
}

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
