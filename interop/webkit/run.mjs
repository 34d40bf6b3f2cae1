// Web sessions in WebKitGTK, by WebDriver: the checks of the tests with Chromium whose result depends on the browser.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'wxgate-webkit-'))
const children = []
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

/** Polls until get returns a true value, and returns that. Fails after ten seconds. */
async function until(get, what) {
  for (let left = 200; ; left--) {
    const got = await get()
    if (got) return got
    if (left === 0) throw new Error(`timed out waiting for ${what}`)
    await sleep(50)
  }
}

async function freePort() {
  const server = http.createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

let devLog = ''

/** Starts `wxgate dev`, whose output goes to devLog. Returns its URL. */
async function startDev() {
  const binary = join(folder, 'wxgate')
  await promisify(execFile)('go', ['build', '-buildvcs=false', '-o', binary, './cmd/wxgate'], { cwd: root })
  const address = '127.0.0.1:' + (await freePort())
  const child = spawn(binary, ['dev', '--listen', address], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (devLog += data))
  const url = 'http://' + address
  await until(() => fetch(url).then(r => r.ok, () => false), 'wxgate dev')
  return url
}

/** Starts the browser on a virtual display, with the WebDriver commands that the checks use. */
async function startBrowser() {
  const display = ':' + (100 + Math.floor(Math.random() * 800))
  children.push(spawn('Xvfb', [display, '-screen', '0', '800x600x24', '-nolisten', 'tcp'], { stdio: 'ignore' }))
  const port = await freePort()
  const env = { ...process.env, DISPLAY: display, HOME: folder, XDG_RUNTIME_DIR: folder, WEBKIT_DISABLE_COMPOSITING_MODE: '1', LIBGL_ALWAYS_SOFTWARE: '1' }
  children.push(spawn('WebKitWebDriver', [`--port=${port}`], { stdio: 'ignore', env }))
  const base = `http://127.0.0.1:${port}`
  await until(() => fetch(base + '/status').then(r => r.ok, () => false), 'WebKitWebDriver')
  const send = async (method, path, body) => {
    const res = await fetch(base + path, { method, body: body && JSON.stringify(body) })
    const { value } = await res.json()
    if (value && value.error) throw new Error(`${path}: ${value.error}: ${value.message}`)
    return value
  }
  const library = '/usr/lib/x86_64-linux-gnu'
  const binary = readdirSync(library).filter(name => /^webkit2gtk-4/.test(name)).map(name => join(library, name, 'MiniBrowser')).sort().at(-1)
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': { binary, args: ['--automation'] } } }
  const { sessionId, capabilities: got } = await send('POST', '/session', { capabilities })
  const at = '/session/' + sessionId
  return {
    version: `${got.browserName} ${got.browserVersion}`,
    go: url => send('POST', at + '/url', { url }),
    back: () => send('POST', at + '/back', {}),
    reload: () => send('POST', at + '/refresh', {}),
    url: () => send('GET', at + '/url'),
    title: () => send('GET', at + '/title'),
    cookies: () => send('GET', at + '/cookie'),
    /** Runs a function in the page, which may return a promise. */
    run: (fn, ...args) =>
      send('POST', at + '/execute/async', {
        script: `const done = arguments[arguments.length - 1]; Promise.resolve((${fn})(...Array.from(arguments).slice(0, -1))).then(done, error => done('failed: ' + error))`,
        args,
      }),
    text: () => send('POST', at + '/execute/sync', { script: 'return document.documentElement.innerText', args: [] }),
    quit: () => send('DELETE', at),
  }
}

const url = await startDev()
const browser = await startBrowser()
const call = async (path, body, token) => {
  const headers = token ? { Authorization: `Bearer ${token}` } : {}
  const res = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return res.status === 204 ? undefined : res.json()
}
const login = async user => (await call('/auth/login', { code: (await call('/sim/code', { user })).code })).token
const ticket = async (token, next = '/h5/one') => url + (await call('/auth/ticket', { next }, token)).path
const openid = async () => JSON.parse(await browser.text()).headers['X-Openid']?.[0]
/** The access record of a path. */
const accessRecord = path => until(() => devLog.split('\n').find(line => line.includes(`"path": "${path}"`)), path + ' in the log')

const results = []
/** Runs a check and adds its result: the returned text, or the error. */
async function check(name, run) {
  try {
    results.push([name, 'yes', (await run()) || ''])
  } catch (error) {
    results.push([name, 'NO', error.message])
  }
}

function must(condition, message) {
  if (!condition) throw new Error(message)
}

/** Opens a WebSocket and an event stream in the page. window.seen has what arrived. */
const openStreams = `() => {
  const seen = (window.seen = { echo: '', ticks: 0, closed: 0 })
  const socket = new WebSocket('ws://' + location.host + '/h5/ws')
  socket.onopen = () => socket.send('hello')
  socket.onmessage = ({ data }) => (seen.echo = data)
  socket.onclose = ({ code }) => (seen.closed = code)
  window.events = new EventSource('/h5/events')
  window.events.onmessage = () => seen.ticks++
}`
const streamsWork = () => until(() => browser.run('() => seen.echo === "hello" && seen.ticks > 0'), 'echo and tick')

/** Submits a form of the page to an address. */
const submitForm = action =>
  browser.run(`action => { document.body.innerHTML = '<form method="post" action="' + action + '"></form>'; document.forms[0].submit() }`, action)
const errorOf = record => /"error": "(\w+)"/.exec(record)[1]
const originHeaders = headers => `Sec-Fetch-Site: ${headers['Sec-Fetch-Site'] || 'none is sent'}; Origin: ${headers.Origin || 'none is sent'}`

const alice = await login('alice')
const first = await ticket(alice, '/h5/one?x=1#/list')
await check('a page opens by ticket', async () => {
  await browser.go(first)
  must((await browser.url()).endsWith('/h5/one?x=1#/list'), await browser.url())
  must(await openid(), 'no X-OpenID')
  const [cookie] = await browser.cookies()
  must(cookie.httpOnly, 'scripts can read the cookie')
  return `the cookie: HttpOnly, SameSite=${cookie.sameSite}`
})
await check('the same ticket works again within ten seconds', async () => {
  await browser.go(first)
  must((await browser.url()).includes('/h5/one'), await browser.title())
})
await check('back and reload work', async () => {
  await browser.go(url + '/h5/two')
  await browser.back()
  must((await browser.url()).includes('/h5/one'), await browser.url())
  await browser.reload()
  must(await openid(), 'no X-OpenID')
})
await check('a POST by fetch passes', async () => {
  const status = await browser.run('async () => (await fetch("/h5/post", { method: "POST" })).status')
  const headers = await browser.run('async () => (await (await fetch("/h5/headers", { method: "POST" })).json()).headers')
  must(status === 200, status)
  return originHeaders(headers)
})
await check('a form of the page passes', async () => {
  await submitForm('/h5/form')
  await until(async () => (await browser.url()).endsWith('/h5/form'), 'the form')
  const { headers } = JSON.parse(await browser.text())
  return originHeaders(headers)
})
await check('socket and event stream work by cookie', async () => {
  await browser.go(url + '/h5/live')
  await browser.run(openStreams)
  await streamsWork()
})
await check("another origin's fetch, form, socket and stream are refused (another port)", async () => {
  const server = http.createServer((request, response) => response.setHeader('Content-Type', 'text/html').end('<p>another origin</p>'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  await browser.go(`http://127.0.0.1:${server.address().port}/`)
  await browser.run(`base => {
    new WebSocket(base.replace('http', 'ws') + '/h5/ws?n')
    new EventSource(base + '/h5/n-events', { withCredentials: true })
    fetch(base + '/h5/n-fetch', { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' }).catch(() => {})
  }`, url)
  const seen = []
  for (const path of ['/h5/n-events', '/h5/n-fetch']) {
    const record = await accessRecord(path)
    must(/"status": 40[13]/.test(record), record)
    seen.push(`${path.slice(6)}: ${errorOf(record)}`)
  }
  const socket = await until(() => devLog.split('\n').filter(line => line.includes('"path": "/h5/ws"') && /"error"/.test(line))[0], 'the socket in the log')
  seen.push('socket: ' + errorOf(socket))
  await submitForm(url + '/h5/n-form')
  seen.push('form: ' + errorOf(await accessRecord('/h5/n-form')))
  server.close()
  return seen.join(', ')
})
await check('a link of another site does not open the page', async () => {
  const address = await ticket(alice, '/h5/linked')
  await browser.go(url.replace('127.0.0.1', 'localhost') + '/public/')
  await browser.run('href => void (location.href = href)', address)
  await until(async () => /enter|linked/.test(await browser.url()), 'the link')
  must((await browser.title()) === '链接已失效', 'it opened: ' + (await browser.url()))
})
await check("opening another user's page needs a confirmation", async () => {
  await browser.go(await ticket(alice))
  await browser.go(await ticket(await login('bob'), '/h5/bob'))
  must((await browser.title()) === '切换账号？', await browser.title())
  await browser.run('() => { document.querySelector("button").click() }')
  await until(async () => (await browser.url()).endsWith('/h5/bob'), 'bob')
})
await check('a logout closes socket and stream, and the invalid cookie is cleared', async () => {
  const token = await login('carol')
  await browser.go(await ticket(token, '/h5/carol')) // bob's session is active, so the page asks for a confirmation
  await browser.run('() => { document.querySelector("button").click() }')
  await until(async () => (await browser.url()).endsWith('/h5/carol'), 'carol')
  await browser.run(openStreams)
  await streamsWork()
  await call('/auth/logout', {}, token)
  const code = await until(() => browser.run('() => seen.closed'), 'the close')
  await until(() => browser.run('() => events.readyState === EventSource.CLOSED'), 'the end of the stream')
  await browser.reload()
  must((await browser.title()) === '登录已过期', await browser.text())
  must((await browser.cookies()).length === 0, 'the cookie is still set')
  return `close code ${code}`
})

console.log(`WebKitGTK, ${browser.version}`)
for (const [name, outcome, detail] of results) console.log(`| ${name} | ${outcome} | ${detail} |`)
await browser.quit().catch(() => {})
process.exit(results.some(([, outcome]) => outcome === 'NO') ? 1 : 0)
