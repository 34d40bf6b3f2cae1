// Runs the recipes of the README, unchanged, in a small mini program.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createContext, Script } from 'node:vm'
import { createGateway } from '../dist/index.mjs'
import { refuse, startStub } from './support/stub.mjs'

const root = new URL('../', import.meta.url)
const read = name => readFileSync(new URL(name, root), 'utf8')
const filePath = join(mkdtempSync(join(tmpdir(), 'wx-')), 'avatar.png')
writeFileSync(filePath, 'picture')

/** A mini program with one page, loaded like in WeChat: `page` has its methods and data. */
async function start(t, recipe) {
  const stub = await startStub(t)
  const world = { stub, toasts: [], visited: [] }
  const wx = { ...stub.phone(), showToast: ({ title }) => world.toasts.push(title), navigateTo: ({ url }) => world.visited.push(url) }
  const gateway = createGateway({ baseURL: stub.url, platform: wx })
  const Page = page => {
    world.page = { data: {}, setData: change => Object.assign(world.page.data, change), ...page }
  }
  const exports = load(recipe, { wx, Page, getApp: () => ({ gateway }), Uint8Array })
  return Object.assign(world, { wx, gateway, exports })
}

/** Runs a recipe with these globals; it requires the built file of the package. */
function load(recipe, globals) {
  const context = createContext({ setTimeout, console, ...globals })
  const run = (file, filename) => {
    const module = { exports: {} }
    new Script(`(function (module, exports, require) {${read(file)}\n})`, { filename }).runInContext(context)(module, module.exports, requireHere)
    return module.exports
  }
  const requireHere = path => run(path.startsWith('./wxgate-miniprogram/') ? path.replace('./wxgate-miniprogram', 'dist') : path.replace('.', 'recipes'), path)
  return run('recipes/' + recipe, recipe)
}

for (const readme of ['README.md', 'README.zh-CN.md']) {
  test(`${readme} shows every recipe as it is run`, () => {
    const blocks = [...read(readme).matchAll(/^```(?:js|ts)\n([^]*?)^```$/gm)].map(([, code]) => code)
    for (const recipe of readdirSync(new URL('recipes/', root))) assert.ok(blocks.includes(read('recipes/' + recipe)), recipe)
  })
}

test('app: one gateway for all pages', () => {
  let app
  load('app.js', { App: given => (app = given), wx: {} })
  assert.equal(typeof app.gateway.request, 'function')
})

test('prefetch: a login pre-fetched by WeChat is used once, and there is no other login', async t => {
  const stub = await startStub(t)
  let app, onData
  const data = { fetchType: 'pre', timeStamp: Date.now(), fetchedData: JSON.stringify(stub.issue()) }
  const wx = { ...stub.phone(), getBackgroundFetchData: ({ success }) => success(data), onBackgroundFetchData: listener => (onData = listener) }
  const source = read('recipes/prefetch.js').replace('https://api.example.com', stub.url)
  const prefetchedTokens = []
  const made = options => {
    const gateway = createGateway({ ...options, platform: wx })
    return { ...gateway, login: given => (prefetchedTokens.push(given.prefetched.token), gateway.login(given)) }
  }
  new Script(`(function (require, App, wx) {${source}\n})`).runInThisContext()(() => ({ createGateway: made }), given => (app = given), wx)
  app.onLaunch()
  assert.equal((await app.gateway.request('/api/x')).statusCode, 200)
  onData(data)
  onData({ ...data, fetchedData: '{"token":"old"}', timeStamp: Date.now() - 61000 })
  onData({ ...data, fetchedData: '{"error":"user_blocked"}' })
  onData({ ...data, fetchType: 'periodic', fetchedData: '{"token":"periodic"}' })
  assert.equal((await app.gateway.request('/api/x')).statusCode, 200)
  assert.deepEqual(prefetchedTokens, [JSON.parse(data.fetchedData).token])
  assert.equal(stub.to('/auth/login').length, 0)
})

test('avatar: the chosen picture is uploaded, then its URL is stored in the profile', async t => {
  const { stub, page } = await start(t, 'avatar.js')
  stub.intercept = (call, reply) => call.path === '/api/avatar' && (reply(200, { url: 'https://cdn.example.com/1.png' }), true)
  await page.onChooseAvatar({ detail: { avatarUrl: filePath } })
  assert.equal(page.data.avatarUrl, 'https://cdn.example.com/1.png')
  assert.match(stub.to('/api/avatar')[0].body, /picture/)
  await page.onSubmit({ detail: { value: { nickname: '小明' } } })
  assert.equal(page.data.nickname, '小明')
})

test('avatar: an upload that fails changes no profile', async t => {
  const { stub, page, toasts } = await start(t, 'avatar.js')
  stub.intercept = (call, reply) => call.path === '/api/avatar' && (reply(413, {}), true)
  await page.onChooseAvatar({ detail: { avatarUrl: filePath } })
  assert.deepEqual(toasts, ['上传失败'])
  assert.equal(stub.to('/auth/profile').length, 0)
})

test('phone: the button is shown after the session was checked, and its code is submitted', async t => {
  const { page, stub } = await start(t, 'phone.js')
  await page.onShow()
  assert.equal(page.data.ready, true)
  await page.onPhone({ detail: { errMsg: 'getRealtimePhoneNumber:ok', code: 'p1' } })
  assert.equal(page.data.phone, '13800000000')
  assert.equal(stub.to('/auth/phone')[0].body, '{"code":"p1"}')
})

test('phone: a user who refuses sees no error', async t => {
  const { page, toasts, stub } = await start(t, 'phone.js')
  await page.onPhone({ detail: { errMsg: 'getPhoneNumber:fail user deny', errno: 1400001 } })
  assert.deepEqual([toasts, stub.calls.length], [[], 0])
})

test('phone: errors are shown', async t => {
  const { page, toasts, stub } = await start(t, 'phone.js')
  stub.intercept = (call, reply) => call.path === '/auth/phone' && (refuse(reply, 401, toasts.length ? 'invalid_code' : 'session_key_stale'), true)
  await page.onPhone({ detail: { encryptedData: 'e', iv: 'i' } })
  await page.onPhone({ detail: { code: 'p1' } })
  assert.deepEqual(toasts, ['请再点一次', '获取手机号失败'])
})

test('phone-login: login and phone number are one request', async t => {
  const { page, stub, visited } = await start(t, 'phone-login.js')
  await page.onLogin({ detail: { errMsg: 'getPhoneNumber:fail user deny' } })
  assert.equal(stub.calls.length, 0)
  stub.newUser = true
  stub.issue = (issue => () => ({ ...issue.call(stub), phone: { phone_number: '13800000000' } }))(stub.issue)
  await page.onLogin({ detail: { code: 'p1' } })
  assert.equal(page.data.phone, '13800000000')
  assert.deepEqual([stub.calls.length, JSON.parse(stub.calls[0].body).phone_code, visited], [1, 'p1', ['/pages/welcome/welcome']])
})

test('http: default headers, data of 2xx responses, errors of others', async t => {
  const { exports: http, stub, visited } = await start(t, 'http.js')
  const sent = await http.post('/api/orders', { sku: 'A1' }, { header: { 'X-Own': '1' } })
  assert.deepEqual([sent.body, sent.header['x-client-version'], sent.header['x-own']], ['{"sku":"A1"}', '1.4.0', '1'])
  assert.deepEqual([(await http.get('/api/x')).method, (await http.put('/api/x', {})).method, (await http.del('/api/x')).method], ['GET', 'PUT', 'DELETE'])
  assert.equal((await http.patch('/api/x', {})).header['x-http-method-override'], 'PATCH')
  stub.intercept = (call, reply) => (refuse(reply, 403, 'phone_required'), true)
  await assert.rejects(http.get('/api/x'), { code: 'phone_required', statusCode: 403, message: 'no' })
  assert.deepEqual(visited, ['/pages/phone/phone'])
  stub.intercept = (call, reply) => (reply(500, ''), true)
  await assert.rejects(http.get('/api/x'), { message: 'HTTP 500' })
})

test('stream: UTF-8 is decoded wherever a chunk ends', async t => {
  const { exports: { newUTF8Decoder } } = await start(t, 'stream.js')
  const text = 'aé你𠮷😀z'
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size++) {
    const decode = newUTF8Decoder()
    let decoded = ''
    for (let at = 0; at < bytes.length; at += size) decoded += decode(Uint8Array.from(bytes.subarray(at, at + size)).buffer)
    assert.equal(decoded, text)
  }
})

test('stream: events are read wherever a chunk ends, with every kind of line end', async t => {
  const { exports: { newEventReader } } = await start(t, 'stream.js')
  const stream = ': hello\n\nevent: add\nid: 7\ndata: 你\ndata:  好\n\ndata\n\nid: 8\n\ndata:{"a": "b:c"}\n\n'
  const expected = [{ event: 'add', id: '7', data: '你\n 好' }, { event: 'message', data: '' }, { event: 'message', data: '{"a": "b:c"}' }]
  for (const end of ['\n', '\r\n']) {
    const text = stream.replaceAll('\n', end)
    for (let size = 1; size <= text.length; size++) {
      const events = []
      const readEvents = newEventReader(event => events.push({ ...event }))
      for (let at = 0; at < text.length; at += size) readEvents(text.slice(at, at + size))
      assert.deepEqual(events, expected, `${JSON.stringify(end)} in pieces of ${size}`)
    }
  }
})

test('chat: a response of server-sent events is shown as it arrives', async t => {
  const { stub, page, toasts } = await start(t, 'chat.js')
  const bytes = Buffer.from('data: 你好\n\ndata: ，世界\n\n')
  stub.intercept = (call, reply, response) => {
    if (call.path !== '/api/chat') return false
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const send = at => (at < bytes.length ? response.write(bytes.subarray(at, at + 5), () => setImmediate(send, at + 5)) : response.end())
    send(0)
    return true
  }
  page.data.answer = ''
  await page.onAsk({ detail: { value: '问' } })
  assert.deepEqual([page.data.answer, toasts], ['你好，世界', []])
  stub.intercept = (call, reply) => (refuse(reply, 403, 'forbidden'), true)
  await page.onAsk({ detail: { value: '问' } })
  assert.deepEqual(toasts, ['出错了：403'])
})

test('chat: closing the page ends its stream', async t => {
  const { stub, page, toasts } = await start(t, 'chat.js')
  let closed
  stub.intercept = (call, reply, response) => {
    if (call.path !== '/api/chat') return false
    response.writeHead(200).write('data: 1\n\n')
    closed = new Promise(resolve => response.on('close', resolve))
    return true
  }
  page.data.answer = ''
  const asked = page.onAsk({ detail: { value: '问' } })
  while (!page.data.answer) await new Promise(setImmediate)
  page.onUnload()
  await Promise.all([closed, asked])
  assert.deepEqual(toasts, [])
})

test('independent: a subpackage opened without the app creates a gateway', () => {
  const own = { request: 1 }
  assert.equal(load('independent.js', { wx: {}, getApp: () => ({ gateway: own }) }).gateway, own)
  assert.equal(typeof load('independent.js', { wx: {}, getApp: () => ({}) }).gateway.request, 'function')
})

test('webview: the page opens at the URL with the ticket', async t => {
  const { stub, page } = await start(t, 'webview.js')
  await page.onLoad({})
  assert.equal(page.data.src, stub.url + '/auth/enter?ticket=t1')
})
