// A page's session in WebKitGTK: the checks of the Chromium tests that depend on a browser, by WebDriver.
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

async function until(so, what) {
  for (let left = 200; ; left--) {
    const got = await so()
    if (got) return got
    if (left === 0) throw new Error(`${what} did not come about`)
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

let printed = ''
async function startDev() {
  const binary = join(folder, 'wxgate')
  await promisify(execFile)('go', ['build', '-buildvcs=false', '-o', binary, './cmd/wxgate'], { cwd: root })
  const address = '127.0.0.1:' + (await freePort())
  const child = spawn(binary, ['dev', '--listen', address], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (printed += data))
  const url = 'http://' + address
  await until(() => fetch(url).then(r => r.ok, () => false), 'wxgate dev')
  return url
}

/** The browser, on a display of its own. */
async function startBrowser() {
  const display = ':' + (100 + Math.floor(Math.random() * 800))
  children.push(spawn('Xvfb', [display, '-screen', '0', '800x600x24', '-nolisten', 'tcp'], { stdio: 'ignore' }))
  const port = await freePort()
  const env = { ...process.env, DISPLAY: display, HOME: folder, XDG_RUNTIME_DIR: folder, WEBKIT_DISABLE_COMPOSITING_MODE: '1', LIBGL_ALWAYS_SOFTWARE: '1' }
  children.push(spawn('WebKitWebDriver', [`--port=${port}`], { stdio: 'ignore', env }))
  const base = `http://127.0.0.1:${port}`
  await until(() => fetch(base + '/status').then(r => r.ok, () => false), 'WebKitWebDriver')
  const ask = async (method, path, body) => {
    const res = await fetch(base + path, { method, body: body && JSON.stringify(body) })
    const { value } = await res.json()
    if (value && value.error) throw new Error(`${path}: ${value.error}: ${value.message}`)
    return value
  }
  const library = '/usr/lib/x86_64-linux-gnu'
  const binary = readdirSync(library).filter(name => /^webkit2gtk-4/.test(name)).map(name => join(library, name, 'MiniBrowser')).sort().at(-1)
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': { binary, args: ['--automation'] } } }
  const { sessionId, capabilities: got } = await ask('POST', '/session', { capabilities })
  const at = '/session/' + sessionId
  return {
    version: `${got.browserName} ${got.browserVersion}`,
    go: url => ask('POST', at + '/url', { url }),
    back: () => ask('POST', at + '/back', {}),
    reload: () => ask('POST', at + '/refresh', {}),
    url: () => ask('GET', at + '/url'),
    title: () => ask('GET', at + '/title'),
    cookies: () => ask('GET', at + '/cookie'),
    /** Runs a function in the page, which may return a promise. */
    run: (fn, ...args) =>
      ask('POST', at + '/execute/async', {
        script: `const done = arguments[arguments.length - 1]; Promise.resolve((${fn})(...Array.from(arguments).slice(0, -1))).then(done, error => done('failed: ' + error))`,
        args,
      }),
    text: () => ask('POST', at + '/execute/sync', { script: 'return document.documentElement.innerText', args: [] }),
    quit: () => ask('DELETE', at),
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
const logged = path => until(() => printed.split('\n').find(line => line.includes(`"path": "${path}"`)), path + ' in the log')

const results = []
async function check(name, act) {
  let detail = ''
  try {
    detail = (await act()) || ''
    results.push([name, 'yes', detail])
  } catch (error) {
    results.push([name, 'NO', error.message])
  }
}
function must(so, what) {
  if (!so) throw new Error(what)
}

const alice = await login('alice')
const first = await ticket(alice, '/h5/one?x=1#/list')
await check('a page enters by ticket', async () => {
  await browser.go(first)
  must((await browser.url()).endsWith('/h5/one?x=1#/list'), await browser.url())
  must(await openid(), 'no X-OpenID')
  const [cookie] = await browser.cookies()
  must(cookie.httpOnly, 'the cookie is for scripts too')
  return `the cookie: HttpOnly, SameSite=${cookie.sameSite}`
})
await check('a second tap gets in', async () => {
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
await check('a fetch that POSTs passes', async () => {
  const status = await browser.run('async () => (await fetch("/h5/post", { method: "POST" })).status')
  const headers = await browser.run('async () => (await (await fetch("/h5/headers", { method: "POST" })).json()).headers')
  must(status === 200, status)
  return `Sec-Fetch-Site: ${headers['Sec-Fetch-Site'] || 'none is sent'}; Origin: ${headers.Origin || 'none is sent'}`
})
await check('a form of the page passes', async () => {
  await browser.run(`() => { document.body.innerHTML = '<form method="post" action="/h5/form"></form>'; document.forms[0].submit() }`)
  await until(async () => (await browser.url()).endsWith('/h5/form'), 'the form')
  const { headers } = JSON.parse(await browser.text())
  return `Sec-Fetch-Site: ${headers['Sec-Fetch-Site'] || 'none is sent'}; Origin: ${headers.Origin || 'none is sent'}`
})
const live = `() => {
  const live = (window.live = { echo: '', ticks: 0, closed: 0 })
  const socket = new WebSocket('ws://' + location.host + '/h5/ws')
  socket.onopen = () => socket.send('hello')
  socket.onmessage = ({ data }) => (live.echo = data)
  socket.onclose = ({ code }) => (live.closed = code)
  window.events = new EventSource('/h5/events')
  window.events.onmessage = () => live.ticks++
}`
await check('socket and event stream work by cookie', async () => {
  await browser.go(url + '/h5/live')
  await browser.run(live)
  await until(() => browser.run('() => live.echo === "hello" && live.ticks > 0'), 'echo and tick')
})
await check("a neighbour's fetch, form, socket and stream are refused (another port)", async () => {
  const server = http.createServer((request, response) => response.setHeader('Content-Type', 'text/html').end('<p>neighbour</p>'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  await browser.go(`http://127.0.0.1:${server.address().port}/`)
  await browser.run(`base => {
    new WebSocket(base.replace('http', 'ws') + '/h5/ws?n')
    new EventSource(base + '/h5/n-events', { withCredentials: true })
    fetch(base + '/h5/n-fetch', { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' }).catch(() => {})
  }`, url)
  const seen = []
  for (const path of ['/h5/n-events', '/h5/n-fetch']) {
    const line = await logged(path)
    must(/"status": 40[13]/.test(line), line)
    seen.push(`${path.slice(6)}: ${/"error": "(\w+)"/.exec(line)[1]}`)
  }
  const socket = await until(() => printed.split('\n').filter(line => line.includes('"path": "/h5/ws"') && /"error"/.test(line))[0], 'the socket in the log')
  seen.push('socket: ' + /"error": "(\w+)"/.exec(socket)[1])
  await browser.run(`action => { document.body.innerHTML = '<form method="post" action="' + action + '"></form>'; document.forms[0].submit() }`, url + '/h5/n-form')
  seen.push('form: ' + /"error": "(\w+)"/.exec(await logged('/h5/n-form'))[1])
  server.close()
  return seen.join(', ')
})
await check('a link of another site does not enter', async () => {
  const address = await ticket(alice, '/h5/linked')
  await browser.go(url.replace('127.0.0.1', 'localhost') + '/public/')
  await browser.run('href => void (location.href = href)', address)
  await until(async () => /enter|linked/.test(await browser.url()), 'the link')
  must((await browser.title()) === '链接已失效', 'it entered: ' + (await browser.url()))
})
await check("another user's page asks first", async () => {
  await browser.go(await ticket(alice))
  await browser.go(await ticket(await login('bob'), '/h5/bob'))
  must((await browser.title()) === '切换账号？', await browser.title())
  await browser.run('() => { document.querySelector("button").click() }')
  await until(async () => (await browser.url()).endsWith('/h5/bob'), 'bob')
})
await check('socket and stream are cut by a logout, and the dead cookie is cleared', async () => {
  const token = await login('carol')
  await browser.go(await ticket(token, '/h5/carol')) // bob's is alive: the page asks
  await browser.run('() => { document.querySelector("button").click() }')
  await until(async () => (await browser.url()).endsWith('/h5/carol'), 'carol')
  await browser.run(live)
  await until(() => browser.run('() => live.echo === "hello" && live.ticks > 0'), 'echo and tick')
  await call('/auth/logout', {}, token)
  const code = await until(() => browser.run('() => live.closed'), 'the close')
  await until(() => browser.run('() => events.readyState === EventSource.CLOSED'), 'the end of the stream')
  await browser.reload()
  must((await browser.title()) === '登录已过期', await browser.text())
  must((await browser.cookies()).length === 0, 'the cookie stays')
  return `close code ${code}`
})

console.log(`WebKitGTK, ${browser.version}`)
for (const [name, outcome, detail] of results) console.log(`| ${name} | ${outcome} | ${detail} |`)
await browser.quit().catch(() => {})
process.exit(results.some(([, outcome]) => outcome === 'NO') ? 1 : 0)
