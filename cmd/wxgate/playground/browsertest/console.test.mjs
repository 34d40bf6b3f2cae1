// Uses the console of the private listener like an operator.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openWatchedPage, picture, prepare } from './dev.mjs'

let tools

before(async () => {
  tools = await prepare()
})

after(() => tools && tools.close())

/**
 * Opens the console of a separate `wxgate dev`. The test fails if the page loads anything from another server, on errors of scripts,
 * on violations of its policy, and if the token is stored or is in a URL.
 */
async function visit(t, { locale = 'en-US', width = 1280, height = 860, colorScheme = 'light' } = {}) {
  const dev = await tools.dev()
  t.after(dev.stop)
  const [, url, token] = dev.printed().match(/Console: (http:\/\/\S+\/console\/) .*with the token (\S+)/)
  const origin = new URL(url).origin
  const { context, page, problems } = await openWatchedPage(tools.browser, { locale, width, height, colorScheme }, request => [
    ...(new URL(request.url()).origin !== origin ? [`loaded from elsewhere: ${request.url()}`] : []),
    ...(request.url().includes(token) ? [`the token in a URL: ${request.url()}`] : []),
  ])
  await page.goto(url)
  t.after(async () => {
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]))
    await context.close()
    assert.ok(!stored.includes(token), stored)
    assert.deepEqual(problems, [])
  })
  const call = async (path, body, bearer) => {
    const headers = bearer ? { Authorization: `Bearer ${bearer}` } : {}
    const response = await fetch(dev.url + path, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, body: await response.json().catch(() => undefined) }
  }
  return {
    dev, page, url, token, call,
    async signIn(given = token) {
      await page.locator('#token').fill(given)
      await page.locator('#token').press('Enter')
    },
    view: name => page.locator('#views').getByRole('button', { name, exact: true }).click(),
    login: async user => (await call('/auth/login', { code: (await call('/sim/code', { user })).body.code })).body.token,
    openid: async bearer => (await call('/api/hello', undefined, bearer)).body.headers['X-Openid'][0],
    async find(openid) {
      await page.locator('input[name=value]').fill(openid)
      await page.locator('input[name=value]').press('Enter')
      await page.locator('.user').filter({ hasText: openid }).waitFor()
    },
    confirm: name => page.locator('dialog').getByRole('button', { name, exact: true }).click(),
    says: text => page.locator('#notice').filter({ hasText: text }).waitFor(),
  }
}

/** Opens a WebSocket of the user in a separate page, and returns how it was closed. */
async function openSocket(t, dev, bearer) {
  const context = await tools.browser.newContext()
  t.after(() => context.close())
  const page = await context.newPage()
  await page.goto(dev.url + '/')
  await page.evaluate(token => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${location.host}/playground/socket/api/ws`, ['echo', `bearer.${token}`])
    socket.onopen = () => resolve()
    socket.onerror = () => reject(new Error('no socket'))
    window.socketClosed = new Promise(closed => (socket.onclose = ({ code }) => closed(code)))
  }), bearer)
  return () => page.evaluate(() => window.socketClosed)
}

/** Makes some calls of all kinds, so that the console has data. */
async function traffic({ call, login }) {
  for (const user of ['alice', 'bob', '小明']) {
    const bearer = await login(user)
    for (let i = 0; i < 25; i++) await call(`/api/orders/${i}`, undefined, bearer)
  }
  for (let i = 0; i < 6; i++) await call('/api/hello')
  await call('/api/hello', undefined, 'nonsense')
  await call('/nowhere')
}

test('an operator signs in, and the overview shows the traffic', async t => {
  const v = await visit(t)
  const { page, signIn } = v
  await page.locator('#token').waitFor()
  await picture(page, 'console-sign-in')
  await signIn()
  await page.getByText('Requests per second').waitFor()
  await traffic(v)
  await page.getByRole('cell', { name: 'token_missing' }).waitFor()
  await page.locator('.tile').filter({ hasText: 'Sessions' }).filter({ hasText: '3' }).waitFor()
  await page.locator('.pill.good').filter({ hasText: 'reachable' }).waitFor()
  await page.locator('.line.blue[d*="L"]').first().waitFor({ state: 'attached' })
  await page.getByRole('cell', { name: /left$/ }).or(page.getByRole('cell', { name: 'not fetched yet' })).first().waitFor()
  await picture(page, 'console-overview')
})

test('a wrong token is refused, and a reload of the page discards the right one', async t => {
  const { page, signIn } = await visit(t)
  await signIn('a-token-of-nobody')
  await page.getByRole('alert').filter({ hasText: 'not one of admin.tokens' }).waitFor()
  assert.equal(await page.locator('#views').isHidden(), true)
  await signIn()
  await page.getByText('Requests per second').waitFor()
  await page.reload()
  await page.locator('#token').waitFor()
  await signIn()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.locator('#token').waitFor()
  assert.equal(await page.locator('#token').inputValue(), '')
  assert.equal(await page.locator('.tile').count(), 0)
})

test('a user is found, the session is ended and the WebSocket closed', async t => {
  const { dev, page, signIn, view, login, openid, find, confirm, says, call } = await visit(t)
  const bearer = await login('alice')
  const alice = await openid(bearer)
  const closed = await openSocket(t, dev, bearer)
  await signIn()
  await page.locator('.tile').filter({ hasText: 'WebSockets' }).filter({ hasText: /WebSockets1/ }).waitFor()
  await view('Users')
  await find(alice)
  await page.getByRole('cell', { name: 'mini program' }).waitFor()
  await picture(page, 'console-user')
  await page.getByRole('button', { name: 'End', exact: true }).click()
  await page.locator('dialog').getByText('End this session?').waitFor()
  await confirm('Cancel')
  assert.equal((await call('/api/hello', undefined, bearer)).status, 200)
  await page.getByRole('button', { name: 'End', exact: true }).click()
  await picture(page, 'console-confirm')
  await confirm('End')
  await says('1 session ended.')
  assert.equal(await closed(), 1006)
  assert.equal((await call('/api/hello', undefined, bearer)).body.error, 'session_ended')
  await page.getByText('No sessions.').waitFor()
})

test('a user is banned, can not log in, and is unbanned', async t => {
  const { page, signIn, view, login, openid, find, confirm, says, call } = await visit(t)
  const bob = await openid(await login('bob'))
  await signIn()
  await view('Users')
  await find(bob)
  await page.getByRole('button', { name: 'Ban', exact: true }).click()
  await page.locator('dialog input').fill('<img src=x onerror=alert(1)> spam')
  await page.locator('dialog select').selectOption('7 days')
  await picture(page, 'console-ban')
  await confirm('Ban')
  await says('The user is banned.')
  await page.locator('.user').getByText(/until 20\d\d-.*: <img src=x onerror=alert\(1\)> spam/).waitFor()
  const refused = await call('/auth/login', { code: (await call('/sim/code', { user: 'bob' })).body.code })
  assert.equal(refused.body.error, 'user_blocked')
  await page.getByRole('button', { name: 'Lift the ban' }).click()
  await confirm('Lift the ban')
  await says('The ban is lifted.')
  assert.ok(await login('bob'))

  await view('Audit trail')
  await page.getByRole('cell', { name: 'lift ban' }).waitFor()
  await picture(page, 'console-audit')
  await page.getByRole('cell', { name: bob }).first().getByRole('button').click()
  await page.locator('.user').filter({ hasText: bob }).waitFor()
})

test('upstreams, routes, an explanation and the configuration are shown', async t => {
  const { page, signIn, view, login } = await visit(t)
  const bearer = await login('alice')
  await signIn()
  await view('Upstreams')
  await page.locator('.pill.good').filter({ hasText: 'healthy' }).first().waitFor()
  await picture(page, 'console-upstreams')
  await view('Routes')
  await page.getByRole('cell', { name: '/public/', exact: true }).waitFor()
  await page.locator('input[name=url]').fill('/api/orders')
  await page.getByRole('button', { name: 'Explain' }).click()
  await page.getByText('401 token_missing').waitFor()
  await page.locator('input[name=user-token]').fill(bearer)
  await page.getByRole('button', { name: 'Explain' }).click()
  await page.getByText('Forwarded', { exact: true }).waitFor()
  await page.getByText(/X-OpenID: o/).waitFor()
  await picture(page, 'console-routes')
  await view('Configuration')
  await page.getByText('idle_timeout').waitFor()
  assert.ok(!(await page.locator('pre').textContent()).includes('dev-app-secret'))
  await picture(page, 'console-config')
})

test('the console in Chinese, with the dark theme', async t => {
  const v = await visit(t, { locale: 'zh-CN', colorScheme: 'dark' })
  const { page, signIn, view } = v
  await page.getByRole('heading', { name: '登录' }).waitFor()
  await signIn()
  await page.getByText('每秒请求数').waitFor()
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN')
  await traffic(v)
  await page.getByRole('cell', { name: 'token_missing' }).waitFor()
  await picture(page, 'console-zh-dark')
  await view('用户')
  await page.getByRole('heading', { name: '查找用户' }).waitFor()
  await page.getByRole('button', { name: 'English' }).click()
  await page.getByRole('heading', { name: 'Find a user' }).waitFor()
})

test('the console works on a phone', async t => {
  const v = await visit(t, { width: 390, height: 780 })
  const { page, signIn, view, login, openid, find } = v
  await signIn()
  await traffic(v)
  await page.getByRole('cell', { name: 'token_missing' }).waitFor()
  await picture(page, 'console-phone')
  await view('Users')
  await find(await openid(await login('alice')))
  await picture(page, 'console-phone-user')
  for (const name of ['Overview', 'Upstreams', 'Routes', 'Users', 'Configuration', 'Audit trail']) {
    await view(name)
    await page.locator('#main .card').first().waitFor()
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= 390, `${name} is ${wide} pixels wide`)
  }
  await picture(page, 'console-phone-audit')
})

/** Opens the console of a `wxgate serve` with these admin.tokens. */
async function visitServe(t, tokens) {
  const gateway = await tools.serve(`listen: $LISTEN
secrets: [9pM2vX7qLr4TzW1nBc8KdY5hJf3GsA6uEe0RoQiVxNw=]
apps: [{appid: wxshop, secret: a}, {appid: wxcafe, secret: b}]
admin: {listen: $ADMIN, tokens: ${tokens}}
routes: [{path: /, upstreams: ["http://127.0.0.1:1"]}]
shutdown_delay: 0s
`)
  t.after(gateway.stop)
  const context = await tools.browser.newContext({ locale: 'en-US' })
  t.after(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(15000)
  await page.goto(gateway.url + '/console')
  assert.equal(page.url(), gateway.url + '/console/')
  return {
    page,
    async signIn(token) {
      await page.locator('#token').fill(token)
      await page.locator('#token').press('Enter')
    },
  }
}

test('a token for one app sees only its users and audit entries', async t => {
  const { page, signIn } = await visitServe(t, '[{name: cafe, token: token-of-the-cafe-1, scopes: [admin], apps: [wxcafe]}, {name: orders, token: token-of-the-orders-2, scopes: [wechat]}]')
  await signIn('token-of-the-orders-2')
  await page.getByRole('alert').filter({ hasText: 'does not have the scope admin' }).waitFor()
  await signIn('token-of-the-cafe-1')
  await page.locator('#notice').filter({ hasText: 'limited to wxcafe' }).waitFor()
  assert.deepEqual(await page.locator('#views button').allTextContents(), ['Users', 'Audit trail'])
  assert.deepEqual(await page.locator('select[name=app] option').allTextContents(), ['all apps', 'wxcafe'])
  await page.locator('input[name=value]').fill('nobody')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByText('No user found.').waitFor()
})

test('a gateway without admin.tokens says so', async t => {
  const { page, signIn } = await visitServe(t, '[]')
  await page.getByText('add one to its configuration').waitFor()
  await signIn('anything-at-all-123')
  await page.getByRole('alert').filter({ hasText: 'none is configured' }).waitFor()
})

test('the page shows that the gateway is unreachable', async t => {
  const { dev, page, signIn, says } = await visit(t)
  await signIn()
  await page.getByText('Requests per second').waitFor()
  await page.getByText('dev · up').waitFor()
  await dev.stop()
  await says('The connection to the gateway is lost')
})
