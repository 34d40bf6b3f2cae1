// Clicks through the playground as a visitor would, and looks at what it says.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { picture, prepare } from './dev.mjs'

let tools

before(async () => {
  tools = await prepare()
})

after(() => tools && tools.close())

/**
 * Opens the page of a `wxgate dev` of its own, in a browser with nothing in storage. The test fails on anything that the page loads from
 * elsewhere, on scripts' errors and on violations of its policy.
 */
async function visit(t, { locale = 'en-US', width = 1360, height = 900, colorScheme = 'light', host = '127.0.0.1' } = {}) {
  const dev = await tools.dev()
  const url = dev.url.replace('127.0.0.1', host)
  t.after(dev.stop)
  const context = await tools.browser.newContext({ locale, viewport: { width, height }, colorScheme })
  const page = await context.newPage()
  page.setDefaultTimeout(15000)
  const troubles = []
  page.on('pageerror', error => troubles.push(`script: ${error.message}`))
  page.on('console', message => {
    // A refused call is logged by the browser itself, and is what some tests are about.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) troubles.push(message.text())
  })
  page.on('request', request => {
    if (!request.url().startsWith(url + '/')) troubles.push(`loaded from elsewhere: ${request.url()}`)
  })
  await page.goto(url + '/')
  t.after(async () => {
    await context.close()
    assert.deepEqual(troubles, [])
  })
  const result = page.locator('#result')
  return {
    dev,
    page,
    click: name => page.getByRole('button', { name, exact: true }).click(),
    choose: user => page.locator('#user').selectOption(user),
    /** Waits until the phone says so. */
    says: text => result.filter({ hasText: text }).waitFor(),
    result,
    /** Waits for a call on the right, newest first, and gives it. */
    async call(text) {
      const call = page.locator('#calls > li').filter({ hasText: text }).first()
      await call.waitFor()
      return call
    },
  }
}

/** Waits until all these words are to be seen in a call. */
async function shows(call, ...words) {
  for (const text of words) await call.getByText(text).first().waitFor()
}

test('a user logs in, and the way through WeChat and Redis is shown', async t => {
  const { page, click, says, call } = await visit(t)
  await click('Log in (wx.login)')
  await says('Logged in for the first time')
  await page.getByText('Logged in, token until').waitFor()

  await shows(await call('wx.login()'), 'wx.login() · alice', /^Phone to WeChat: /)
  const login = await call('POST /auth/login')
  await shows(login, 'GET /sns/jscode2session', 'openid, session_key, unionid', /token, token_type/, /\d keys: \+ user, \+ session with sealed session_key/)
  await login.getByText(/\d keys: /).click()
  await shows(login, /^sealed \(\d+ bytes\)$/)
  await picture(page, 'login-en')

  await login.getByText('GET /sns/jscode2session').click()
  await login.getByText('openid, session_key, unionid').click()
  await shows(login, /secret=\[redacted\]/, /"\[redacted\]"/)
  await picture(page, 'login-open-en')
})

test('the page works under any name of its machine, without TLS too', async t => {
  const { click, says } = await visit(t, { host: 'dev.example.test' })
  await click('Call an API')
  await says('The backend was told X-OpenID: o')
  await click('Open a socket')
  await says('The socket is open')
})

test('a call reaches the backend with the identity that the gateway set', async t => {
  const { page, click, says, call } = await visit(t)
  await click('Call an API')
  await says('The backend was told X-OpenID: o')
  const hello = await call('GET /api/hello')
  await shows(hello, /X-OpenID: o/, /^Phone to wxgate: /, /Bearer eyJhbG…/)
  await hello.getByText(/· X-OpenID: /).click()
  await shows(hello, 'X-UnionID', 'set by the gateway')
  await picture(page, 'call-en')
  await call('POST /auth/login') // the SDK logged in by itself
})

test('five calls at once need one login', async t => {
  const { click, choose, says, page } = await visit(t)
  await choose('小明')
  await click('5 calls at once')
  await says('5 answers, one login.')
  assert.equal(await page.locator('#calls > li').filter({ hasText: /GET \/api\/orders\/\d/ }).count(), 5)
})

test('a phone number and a profile are kept with the user', async t => {
  const { page, click, choose, says, call } = await visit(t)
  await choose('bob')
  await click('Get phone number')
  await says(/The phone number is 1\d{10}/)
  await shows(await call('POST /auth/phone'), 'POST /wxa/business/getuserphonenumber', /\d keys: phone, \+ sealed access token/)
  await page.locator('#nickname').fill('Bob 鲍勃')
  await click('Set profile')
  await says('The profile says: Bob 鲍勃')
  await shows(await call('PUT /auth/profile'), /\d keys: \+ profile/)
  await page.locator('#store > summary').click()
  await page.locator('#store').getByText('Bob 鲍勃').waitFor()
  await picture(page, 'profile-en')
})

test('a socket and a stream are open through the gateway', async t => {
  const { page, click, says, call } = await visit(t)
  await click('Open a socket')
  await says('The socket is open.')
  await page.locator('#text').fill('hello there')
  await click('Send')
  await says('The backend echoed: hello there')
  const socket = await call('GET /api/ws')
  await shows(socket, '101', /X-OpenID: o/, /^Phone to Backend: hello there/, /^Backend to Phone: hello there/)
  await click('Follow a stream')
  await says(/The backend says: \d\d:\d\d:\d\d/)
  await shows(await call('GET /api/events'), /^Backend to Phone: data: /)
  await picture(page, 'socket-en')
  await click('Stop the stream')
  await says('The stream is closed.')
  await click('Close the socket')
  await says('The socket is closed (1000).')
})

test('an open socket is cut when the session ends', async t => {
  const { page, click, says } = await visit(t)
  await click('Open a socket')
  await says('The socket is open.')
  await click('Log out everywhere')
  await page.getByRole('button', { name: 'Open a socket' }).waitFor()
})

test('after logging out the session is gone from Redis', async t => {
  const { page, click, says, call } = await visit(t)
  await click('Log in (wx.login)')
  await says('Logged in')
  await click('Log out')
  await says('Logged out.')
  await page.getByText('Not logged in.').waitFor()
  const logout = await call('POST /auth/logout')
  await shows(logout, /− session/)
  await logout.getByText(/− session/).click()
  await picture(page, 'logout-en')
})

test('what is refused says why', async t => {
  const { page, click, choose, says, call } = await visit(t)
  await page.getByText('What if …').click()
  await click('no token is sent')
  await says('Refused: 401 token_missing')
  await shows(await call('token_missing'), /^wxgate to Phone: 401/)
  await click('the token is forged')
  await says('Refused: 401 token_invalid')
  await click('the client sends X-OpenID')
  await says(/The client said X-OpenID: o-somebody-else. The backend was told o(?!-somebody)/)
  const spoofed = await call('GET /api/hello')
  await spoofed.locator('summary').first().click()
  await shows(spoofed, 'o-somebody-else', 'the gateway removes it')
  await choose('bob')
  await page.getByLabel('WeChat blocks this user').check()
  await click('Log in (wx.login)')
  await says('Refused: 403 user_blocked')
  await shows(await call('user_blocked'), /40226/)
  await picture(page, 'refused-en')
  await page.getByLabel('WeChat blocks this user').uncheck()
  await click('Log in (wx.login)')
  await says('Logged in')
})

test('a busy WeChat is a 503, which nobody answers with logins in a loop', async t => {
  const { page, click, says, call } = await visit(t)
  await page.getByText('What if …').click()
  await page.getByLabel('WeChat is busy').check()
  await click('Call an API')
  await says('Refused: 503 wechat_unavailable')
  await shows(await call('wechat_unavailable'), /^wxgate to Phone: 503/)
  await picture(page, 'busy-en')
  await page.getByLabel('WeChat is busy').uncheck()
})

test('a session that ends elsewhere costs one more login and no error', async t => {
  const { page, click, says, call } = await visit(t)
  await page.getByText('What if …').click()
  await click('the session ends elsewhere')
  await says('Every session of the user has been ended')
  await click('Call an API')
  await says('The backend was told X-OpenID')
  await shows(await call('session_ended'), /^wxgate to Phone: 401 · session_ended/)
})

test('calls from elsewhere are shown too', async t => {
  const { dev, call } = await visit(t)
  await fetch(dev.url + '/api/from-a-script')
  await shows(await call('/api/from-a-script'), 'from elsewhere', 'token_missing')
})

test('a Chinese browser gets a Chinese page, and may switch', async t => {
  const { page, click, says } = await visit(t, { locale: 'zh-CN' })
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN')
  await click('登录（wx.login）')
  await says('登录')
  await click('调用接口')
  await says('后端收到 X-OpenID：o')
  await picture(page, 'desktop-zh')
  await click('English')
  await says('The backend was told X-OpenID')
  await page.getByRole('heading', { name: 'The way of each call' }).waitFor()
})

test('on a phone all of it fits, in both languages', async t => {
  for (const [locale, login] of [['en-US', 'Log in (wx.login)'], ['zh-CN', '登录（wx.login）']]) {
    const { page, click, call } = await visit(t, { locale, width: 375, height: 812 })
    await click(login)
    const shown = await call('POST /auth/login')
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375, 'scrolls sideways')
    await picture(page, `phone-${locale.slice(0, 2)}`)
    await shown.locator('summary').last().click()
    await shown.scrollIntoViewIfNeeded()
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375, 'scrolls sideways')
    await picture(page, `phone-calls-${locale.slice(0, 2)}`)
  }
})

test('dark is dark', async t => {
  const { page, click, says } = await visit(t, { colorScheme: 'dark' })
  await click('Call an API')
  await says('X-OpenID')
  const luminance = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  assert.equal(await luminance(), 'rgb(16, 20, 19)')
  await picture(page, 'dark-en')
  await click('Theme: auto')
  assert.equal(await luminance(), 'rgb(242, 244, 243)')
})

test('no session_key is shown or kept anywhere on the page', async t => {
  const { dev, page, click, says } = await visit(t)
  await click('Get phone number')
  await says('The phone number is')
  for (const summary of await page.locator('#calls summary').all()) await summary.click()
  const users = await (await fetch(dev.url + '/sim/users')).json()
  const seen = (await page.content()) + (await page.evaluate(() => JSON.stringify(localStorage)))
  for (const { session_key } of users) assert.ok(!session_key || !seen.includes(session_key))
})

test('wxgate dev says where the page is', async t => {
  const { dev } = await visit(t)
  assert.match(dev.printed(), new RegExp(`Open ${dev.url}/ in a browser`))
})
