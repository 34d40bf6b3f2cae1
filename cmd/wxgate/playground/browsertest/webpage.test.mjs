// Web pages in a real browser: they enter by ticket and act by cookie.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { prepare } from './dev.mjs'

let tools

before(async () => {
  tools = await prepare()
})

after(() => tools && tools.close())

/** A `wxgate dev` of its own, with a browser that has nothing in storage. */
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
    /** What the backend was told, as the page shows it. */
    openid: async () => JSON.parse(await page.textContent('body')).headers['X-Openid']?.[0],
  }
}

test('a page enters by ticket, calls by cookie and is cut off by a logout', async t => {
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

test('a ticket is for one browser, and a prefetch leaves it good', async t => {
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

test("another user's page asks first, and then takes its place", async t => {
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

test('pages of another site neither enter nor act', async t => {
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
