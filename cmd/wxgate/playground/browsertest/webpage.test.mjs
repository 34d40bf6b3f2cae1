// Web pages in a real browser: login by ticket, calls by cookie.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { prepare } from './dev.mjs'

let tools

before(async () => {
  tools = await prepare()
})

after(() => tools && tools.close())

/** A separate `wxgate dev`, and a browser with empty storage. */
async function start(t) {
  const dev = await tools.dev()
  t.after(dev.stop)
  const context = await tools.browser.newContext()
  t.after(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(15000)
  const call = async (path, body, token) => {
    const headers = token ? { Authorization: `Bearer ${token}` } : {}
    const res = await fetch(dev.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    return res.status === 204 ? undefined : res.json()
  }
  return {
    dev,
    context,
    page,
    login: async user => (await call('/auth/login', { code: (await call('/sim/code', { user })).code })).token,
    logout: token => call('/auth/logout', {}, token),
    ticket: async (token, next = '/h5/orders?x=1#/list') => dev.url + (await call('/auth/ticket', { next }, token)).path,
    /** The openid that the backend received, as the page shows it. */
    openid: async () => JSON.parse(await page.textContent('body')).headers['X-Openid']?.[0],
  }
}

test('a page logs in by ticket, calls by cookie, and is logged out with the mini program', async t => {
  const { page, context, login, logout, ticket, openid } = await start(t)
  const token = await login('alice')
  await page.goto(await ticket(token))
  assert.match(page.url(), /\/h5\/orders\?x=1#\/list$/)
  const alice = await openid()
  assert.ok(alice)
  const [cookie] = await context.cookies()
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Lax'])
  await page.reload()
  assert.equal(await openid(), alice)
  assert.equal(await page.evaluate(async () => (await fetch('/h5/cart', { method: 'POST' })).status), 200)

  await logout(token)
  await page.reload()
  assert.equal(await page.title(), '登录已过期')
  assert.deepEqual(await context.cookies(), [])
})

test('a ticket is valid in one browser, and a prefetch does not use it', async t => {
  const { page, dev, login, ticket } = await start(t)
  const address = await ticket(await login('alice'))
  const prefetch = await fetch(address, { headers: { 'Sec-Purpose': 'prefetch' }, redirect: 'manual' })
  assert.equal(prefetch.headers.get('X-Gateway-Error'), 'prefetch_declined')
  await page.goto(address)
  assert.match(page.url(), /\/h5\/orders/)
  await page.goto(address) // a second tap
  assert.match(page.url(), /\/h5\/orders/)
  const other = await tools.browser.newContext({ userAgent: 'another browser' })
  t.after(() => other.close())
  const stranger = await other.newPage()
  assert.equal((await stranger.goto(address)).status(), 401)
  assert.equal(await stranger.title(), '链接已失效')
  assert.ok(dev.url)
})

test("a page of another user needs a confirmation, and then replaces the session", async t => {
  const { page, login, ticket, openid } = await start(t)
  await page.goto(await ticket(await login('alice')))
  const alice = await openid()
  await page.goto(await ticket(await login('bob'), '/h5/bob'))
  assert.equal(await page.title(), '切换账号？')
  await page.getByRole('button').click()
  await page.waitForURL('**/h5/bob')
  const bob = await openid()
  assert.ok(bob && bob !== alice)
})

test('pages of another site can neither log in nor call', async t => {
  const { page, context, dev, login, ticket } = await start(t)
  const address = await ticket(await login('alice'))
  const elsewhere = dev.url.replace('127.0.0.1', 'localhost') // another site to a browser
  await page.goto(elsewhere + '/public/')
  await page.evaluate(href => void (location.href = href), address)
  await page.waitForURL('**/auth/enter?**')
  assert.equal(await page.title(), '链接已失效')

  await page.goto(address)
  assert.match(page.url(), /\/h5\/orders/)
  await page.goto(elsewhere + '/public/')
  const statuses = await page.evaluate(async base => {
    const blocked = await fetch(base + '/h5/x', { mode: 'no-cors', credentials: 'include' }).then(r => r.type, () => 'failed')
    const form = document.createElement('form')
    form.method = 'post'
    form.action = base + '/h5/x'
    document.documentElement.append(form)
    form.submit()
    return blocked
  }, dev.url)
  assert.ok(['opaque', 'failed'].includes(statuses))
  await page.waitForURL('**/h5/x')
  assert.match(await page.textContent('body'), /token_missing|cross_origin|session_ended/)
  assert.equal((await context.cookies(dev.url)).length, 1)
})

/** Opens a WebSocket and an event stream in the page, and records their events in `window.live`. */
async function openLive(page) {
  await page.evaluate(() => {
    const live = (window.live = { socket: 'connecting', echo: '', code: 0, ticks: 0 })
    const socket = new WebSocket(`ws://${location.host}/h5/ws`)
    socket.onopen = () => {
      live.socket = 'open'
      socket.send('hello')
    }
    socket.onmessage = ({ data }) => (live.echo = data)
    socket.onclose = ({ code }) => Object.assign(live, { socket: 'closed', code })
    const events = (window.events = new EventSource('/h5/events'))
    events.onmessage = () => live.ticks++
  })
}

for (const by of ["the mini program's logout", "the page's own logout"]) {
  test(`a page's WebSocket and event stream work by cookie and are closed by ${by}`, async t => {
    const { page, context, login, logout, ticket } = await start(t)
    const token = await login('alice')
    await page.goto(await ticket(token))
    await openLive(page)
    await page.waitForFunction(() => window.live.echo === 'hello' && window.live.ticks > 0)
    if (by.startsWith('the mini')) await logout(token)
    else assert.equal(await page.evaluate(async () => (await fetch('/auth/logout', { method: 'POST' })).status), 204)
    await page.waitForFunction(() => window.live.socket === 'closed' && window.events.readyState === EventSource.CLOSED)
    // A page can't see why a handshake was refused; the session endpoint says so.
    assert.equal(await page.evaluate(async () => (await fetch('/auth/session')).status), 401)
    await openLive(page)
    await page.waitForFunction(() => window.live.socket === 'closed' && window.events.readyState === EventSource.CLOSED)
    assert.deepEqual(await context.cookies(), [])
  })
}

test('back, forward and reload work, and no ticket is in the address or in a Referer', async t => {
  const { page, login, ticket, openid } = await start(t)
  await page.goto(await ticket(await login('alice'), '/h5/one'))
  const alice = await openid()
  await page.goto(page.url().replace('/one', '/two'))
  for (const [move, path] of [['goBack', '/h5/one'], ['goForward', '/h5/two'], ['reload', '/h5/two']]) {
    await page[move]()
    assert.equal(new URL(page.url()).pathname, path)
    assert.equal(await openid(), alice)
    const { headers, query = '' } = JSON.parse(await page.textContent('body'))
    assert.doesNotMatch(JSON.stringify([headers, query, page.url()]), /ticket=/)
  }
})

for (const [how, element] of Object.entries({
  'a link with rel=prefetch': href => Object.assign(document.createElement('link'), { rel: 'prefetch', href }),
  'speculation rules': href => {
    const rules = { prefetch: [{ urls: [href], eagerness: 'immediate' }] }
    return Object.assign(document.createElement('script'), { type: 'speculationrules', textContent: JSON.stringify(rules) })
  },
})) {
  test(`Chromium's own prefetch by ${how} is declined, and the click logs in`, async t => {
    const { page, dev, login, ticket, openid } = await start(t)
    const address = await ticket(await login('alice'))
    await page.goto(dev.url + '/public/start')
    await page.evaluate(([make, href]) => {
      document.body.innerHTML = `<a href="${href}">go</a>`
      document.head.append(new Function('href', `return (${make})(href)`)(href))
    }, [element.toString(), address])
    await until(() => dev.printed().includes('"error": "prefetch_declined"'))
    await page.getByText('go').click()
    await page.waitForURL('**/h5/orders**')
    assert.ok(await openid())
  })
}

/** Waits until the condition is true. */
async function until(so) {
  for (let left = 200; !so(); left--) {
    assert.ok(left > 0, String(so))
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** A page on another port of the same host: another origin, but for a browser the same site, so that it sends the cookie. */
async function neighbour(t) {
  const server = http.createServer((request, response) => response.setHeader('Content-Type', 'text/html').end('<p>neighbour</p>'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${server.address().port}/`
}

test('requests of a page on another port have the cookie, and its form, fetch, WebSocket and stream are refused', async t => {
  const { page, dev, login, ticket } = await start(t)
  await page.goto(await ticket(await login('alice')))
  await page.goto(await neighbour(t))
  const outcome = await page.evaluate(async base => {
    const settled = (target, ...events) => new Promise(resolve => events.forEach(name => target.addEventListener(name, () => resolve(name))))
    const socket = await settled(new WebSocket(base.replace('http', 'ws') + '/h5/ws'), 'open', 'error')
    const stream = await settled(new EventSource(base + '/h5/events', { withCredentials: true }), 'message', 'error')
    await fetch(base + '/h5/by-fetch', { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' })
    return { socket, stream }
  }, dev.url)
  assert.deepEqual(outcome, { socket: 'error', stream: 'error' })
  await page.evaluate(action => {
    document.body.innerHTML = `<form method="post" action="${action}"></form>`
    document.forms[0].submit()
  }, dev.url + '/h5/by-form')
  await page.waitForURL('**/h5/by-form')
  assert.match(await page.textContent('body'), /cross_origin/)
  for (const path of ['ws', 'events', 'by-fetch', 'by-form']) {
    const line = dev.printed().split('\n').find(each => each.includes(`"/h5/${path}"`))
    assert.match(line || path, /"status": 403.*"error": "cross_origin"/)
  }
})
