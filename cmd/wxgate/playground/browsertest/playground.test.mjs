// Uses the playground like a visitor, and checks what it shows.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openWatchedPage, picture, prepare } from './dev.mjs'

let tools

before(async () => {
  tools = await prepare()
})

after(() => tools && tools.close())

/**
 * Opens the page of a separate `wxgate dev`, in a browser with empty storage. The test fails if the page loads anything from another
 * server, on errors of scripts and on violations of its policy.
 */
async function visit(t, { locale = 'en-US', width = 1360, height = 900, colorScheme = 'light', host = '127.0.0.1' } = {}) {
  const dev = await tools.dev()
  const url = dev.url.replace('127.0.0.1', host)
  t.after(dev.stop)
  const { context, page, problems } = await openWatchedPage(tools.browser, { locale, width, height, colorScheme }, request =>
    request.url().startsWith(url + '/') ? [] : [`loaded from elsewhere: ${request.url()}`])
  await page.goto(url + '/')
  t.after(async () => {
    await context.close()
    assert.deepEqual(problems, [])
  })
  const result = page.locator('#result')
  return {
    dev,
    page,
    click: name => page.getByRole('button', { name, exact: true }).click(),
    choose: user => page.locator('#user').selectOption(user),
    tab: name => page.getByRole('tab', { name }).click(),
    toggle: name => page.getByRole('switch', { name, exact: true }).click(),
    /** Waits until the phone's result contains the text. */
    says: text => result.filter({ hasText: text }).waitFor(),
    result,
    /** Waits for a group that contains all these texts, and returns it; if there are several, the newest. */
    async group(...texts) {
      let group = page.locator('#groups > li')
      for (const text of texts) group = group.filter({ hasText: text })
      await group.first().waitFor()
      return group.first()
    },
  }
}

/** Waits until all these texts are visible in a call. */
async function shows(call, ...words) {
  for (const text of words) await call.getByText(text).first().waitFor()
}

/** The labels of the arrows of a group, in order: "wxgate to Redis: …". */
const arrows = group => group.locator('.label').allTextContents()

/** Checks that arrows match these patterns in this order. */
function inOrder(labels, ...patterns) {
  let at = -1
  for (const pattern of patterns) {
    const next = labels.findIndex((label, i) => i > at && pattern.test(label))
    assert.ok(next >= 0, `no ${pattern} after the ${at + 1} first of\n${labels.join('\n')}`)
    at = next
  }
}

test('a login is one group: wx.login, WeChat, Redis before the response', async t => {
  const { page, click, says, group } = await visit(t)
  await click('Log in (wx.login)')
  await says('Logged in for the first time')
  await page.getByText('Logged in, token until').waitFor()
  const login = await group('POST /auth/login')
  await shows(login, '2 calls', 'wx.login()', 'openid, session_key, unionid', /\d keys: \+ user, \+ session with encrypted session_key/)
  inOrder(await arrows(login), /^Phone to WeChat: wx\.login\(\) · alice/, /^WeChat to Phone: code/, /^Phone to wxgate: POST \/auth\/login/,
    /^wxgate to WeChat: GET \/sns\/jscode2session/, /^WeChat to wxgate: openid/, /^wxgate to Redis: /, /^wxgate to Phone: 200 · token/)
  await login.getByText(/\d keys: /).click()
  await shows(login, /^encrypted \(\d+ bytes\)$/)
  await picture(page, 'login-en')

  await login.getByText('GET /sns/jscode2session').click()
  await login.getByText('openid, session_key, unionid').click()
  await shows(login, /secret=\[redacted\]/, /"\[redacted\]"/)
  await picture(page, 'login-open-en')
})

test('the page works under any host name, also without TLS', async t => {
  const { click, says, tab } = await visit(t, { host: 'dev.example.test' })
  await click('Call an API')
  await says('The backend received X-OpenID: o')
  await click('Open a WebSocket')
  await says('The WebSocket is open')
  await tab('Service')
  await click('Send')
  await says('The backend received the message in plain text')
})

test('a call reaches the backend with the identity set by the gateway', async t => {
  const { page, click, says, group } = await visit(t)
  await click('Call an API')
  await says('The backend received X-OpenID: o')
  const hello = await group('Call an API', 'GET /api/hello')
  await shows(hello, '3 calls', 'POST /auth/login', /X-OpenID: o/, /^Phone to wxgate: /, /Bearer eyJhbG…/) // the SDK logged in by itself
  await hello.getByText(/· X-OpenID: /).click()
  await shows(hello, 'X-UnionID', 'set by the gateway')
  await picture(page, 'call-en')
})

test('five concurrent calls need one login, and are one group', async t => {
  const { click, choose, says, group } = await visit(t)
  await choose('小明')
  await click('5 concurrent calls')
  await says('5 responses, one login.')
  const five = await group('5 concurrent calls', '7 calls')
  assert.equal(await five.locator('h4').filter({ hasText: /GET \/api\/orders\/\d/ }).count(), 5)
})

test('a phone number and a profile are stored with the user', async t => {
  const { page, click, choose, says, group } = await visit(t)
  await choose('bob')
  await click('Get phone number')
  await says(/The phone number is 1\d{10}/)
  const phone = await group('POST /auth/phone')
  await shows(phone, 'POST /wxa/business/getuserphonenumber', /\d keys: phone, \+ encrypted access token/)
  await page.locator('#nickname').fill('Bob 鲍勃')
  await click('Set profile')
  await says('Stored in the profile: Bob 鲍勃')
  await shows(await group('PUT /auth/profile'), /\d keys: \+ profile/)
  await page.locator('#store > summary').click()
  await page.locator('#store').getByText('Bob 鲍勃').waitFor()
  await picture(page, 'profile-en')
})

test('a WebSocket and a stream have separate lines, and do not replace results', async t => {
  const { page, click, says, group } = await visit(t)
  await click('Open a WebSocket')
  await says('The WebSocket is open.')
  await page.locator('#text').fill('hello there')
  await click('Send')
  await page.locator('#socket-line').filter({ hasText: 'The backend echoed: hello there' }).waitFor()
  await shows(await group('GET /api/ws'), /^101$/, /X-OpenID: o/, /^Phone to Backend: hello there/, /^Backend to Phone: hello there/)
  await click('Open a stream')
  const line = page.locator('#stream-line')
  await line.filter({ hasText: /The backend sent: \d\d:\d\d:\d\d/ }).waitFor()
  await shows(await group('GET /api/events'), /^Backend to Phone: data: /)
  await click('Call an API')
  await says('The backend received X-OpenID: o')
  const before = await line.innerText()
  await page.waitForFunction(text => document.getElementById('stream-line').innerText !== text, before)
  await says('The backend received X-OpenID: o') // the stream has gone on, the result stands
  await picture(page, 'socket-en')
  await click('Close the stream')
  await line.filter({ hasText: 'The event stream is closed.' }).waitFor()
  await click('Close the WebSocket')
  await page.locator('#socket-line').filter({ hasText: 'The WebSocket is closed (1000).' }).waitFor()
})

test('a refused stream and a refused WebSocket show the reason, and are not shown as open', async t => {
  const { page, click, toggle, tab, says } = await visit(t)
  await tab('What if')
  await toggle('WeChat blocks this user')
  await says('WeChat refuses this user')
  await tab('Calls')
  for (const name of ['Open a stream', 'Open a WebSocket']) {
    await click(name)
    await page.waitForFunction(() => !document.body.classList.contains('busy'))
    await says('403 user_blocked')
    await page.getByRole('button', { name, exact: true }).waitFor()
  }
  assert.ok(await page.locator('#stream-line').isHidden() && await page.locator('#socket-line').isHidden())
})

test('an open WebSocket is closed when the session ends', async t => {
  const { page, click, says, tab } = await visit(t)
  await click('Open a WebSocket')
  await says('The WebSocket is open.')
  await tab('What if')
  await click('Session ended elsewhere')
  await tab('Calls')
  await page.getByRole('button', { name: 'Open a WebSocket' }).waitFor()
})

test('a logout deletes the session in Redis', async t => {
  const { page, click, says, group } = await visit(t)
  await click('Log in (wx.login)')
  await says('Logged in')
  await click('Log out')
  await says('Logged out.')
  await page.getByText('Not logged in.').waitFor()
  const logout = await group('POST /auth/logout')
  await shows(logout, /− session/)
  await logout.getByText(/− session/).click()
  await picture(page, 'logout-en')
})

test('an upload shows its progress; one over max_body is a 413', async t => {
  const { page, click, says, tab, group } = await visit(t)
  await page.evaluate(() => {
    window.seen = []
    new MutationObserver(() => window.seen.push(document.getElementById('progress').value))
      .observe(document.getElementById('result'), { childList: true, characterData: true, subtree: true })
  })
  await click('Upload 6 MB')
  await says('The backend received 6.0 MB.')
  const seen = await page.evaluate(() => window.seen)
  assert.ok(seen.some(value => value > 0), `progress: ${seen}`)
  await shows(await group('POST /api/uploads/photo'), /^200$/)
  await tab('What if')
  await click('Upload 12 MB (limit: 8 MB)')
  await says('Refused: 413 body_too_large')
  const refused = await group('body_too_large')
  assert.ok(!(await arrows(refused)).some(label => /Backend/.test(label)), 'the backend was called')
  await picture(page, 'too-large-en')
})

test('a refused call shows the reason', async t => {
  const { page, click, says, tab, group } = await visit(t)
  await tab('What if')
  await click('Send no token')
  await says('Refused: 401 token_missing')
  await shows(await group('token_missing'), /^wxgate to Phone: 401/)
  await click('Send a forged token')
  await says('Refused: 401 token_invalid')
  await click('Send X-OpenID')
  await says(/The client sent X-OpenID: o-somebody-else. The backend received o(?!-somebody)/)
  const spoofed = await group('Send X-OpenID')
  await spoofed.getByText(/GET \/api\/hello · Bearer/).click()
  await shows(spoofed, 'o-somebody-else', 'removed by the gateway')
  await picture(page, 'refused-en')
})

test('a rate limit lets five of eight calls pass, and five more a second later', async t => {
  const { click, says, tab, group } = await visit(t)
  await tab('What if')
  await click('8 calls (limit: 5 per second)')
  await says('5 passed, 3 refused: 429')
  await shows(await group('8 calls (limit: 5 per second)'), 'rate_limited')
  await new Promise(resolve => setTimeout(resolve, 1100)) // the limit's own second
  await click('8 calls (limit: 5 per second)')
  await says('5 passed, 3 refused: 429')
})

test('WeChat blocks a user, and unblocks the user again', async t => {
  const { page, click, choose, toggle, tab, says, group } = await visit(t)
  await choose('bob')
  await tab('What if')
  await toggle('WeChat blocks this user')
  await click('Call an API')
  await says('Refused: 403 user_blocked')
  await shows(await group('user_blocked'), /40226/)
  await toggle('WeChat blocks this user')
  await says('WeChat accepts this user’s logins again.')
  await click('Call an API')
  await says('The backend received X-OpenID')
  assert.ok(await page.getByRole('switch', { name: 'WeChat blocks this user' }).isChecked() === false)
})

test('a ban is a call of the private listener, ends the session and refuses the login until it is lifted', async t => {
  const { page, click, toggle, tab, says, group } = await visit(t)
  await click('Call an API')
  await says('The backend received X-OpenID')
  await tab('What if')
  await toggle('This user is banned')
  await says('The user was banned through the private listener')
  const ban = await group('This user is banned')
  await shows(ban, /^PUT \/api\/users\//, /"ended":1/)
  inOrder(await arrows(ban), /^Backend to wxgate: PUT/, /^wxgate to Redis: /, /^wxgate to Backend: 200/)
  await picture(page, 'ban-en')
  await click('Call an API')
  await says('Refused: 403 user_blocked')
  await toggle('This user is banned')
  await says('The ban is lifted.')
  await click('Call an API')
  await says('The backend received X-OpenID')
})

test('a busy WeChat is a 503, and no client logs in in a loop', async t => {
  const { page, click, toggle, tab, says, group } = await visit(t)
  await tab('What if')
  await toggle('WeChat is busy')
  await click('Call an API')
  await says('Refused: 503 wechat_unavailable')
  await shows(await group('wechat_unavailable'), /^wxgate to Phone: 503/)
  await picture(page, 'busy-en')
  await toggle('WeChat is busy')
  await says('WeChat responds again.')
  // The circuit breaker for WeChat may still be open for some seconds, so the click is repeated.
  await page.waitForFunction(() => {
    const { textContent } = document.getElementById('result')
    if (/Refused|responds again/.test(textContent)) document.getElementById('try-it').click()
    return /X-OpenID/.test(textContent)
  }, undefined, { polling: 500, timeout: 60000 })
})

test('while Redis is unreachable cached sessions pass and logins are a 503; afterwards both work', async t => {
  const { page, click, choose, toggle, tab, says, group } = await visit(t)
  await click('Call an API')
  await says('The backend received X-OpenID')
  await tab('What if')
  await toggle('Redis is unreachable')
  await says('Redis no longer responds.')
  await click('Call an API')
  await says('The backend received X-OpenID')
  await choose('bob')
  await click('Call an API')
  await says('Refused: 503 store_unavailable')
  await shows(await group('store_unavailable'), /^wxgate to Phone: 503/)
  await picture(page, 'redis-away-en')
  await page.reload()
  await tab('What if')
  await page.getByRole('switch', { name: 'Redis is unreachable', checked: true }).waitFor() // the switch is still on
  await toggle('Redis is unreachable')
  await says('Redis responds again.')
  await click('Call an API')
  await says('The backend received X-OpenID')
  await choose('alice')
  await click('Call an API')
  await says('The backend received X-OpenID') // the session is still there
  assert.doesNotMatch(await (await group('Call an API')).innerText(), /auth\/login/)
})

test('a backend that is down is a 502, its WebSockets are closed, and it works again afterwards', async t => {
  const { page, click, toggle, tab, says, group } = await visit(t)
  await click('Open a WebSocket')
  await says('The WebSocket is open.')
  await tab('What if')
  await toggle('The backend is down')
  await says('The backend refuses connections.')
  await click('Call an API')
  await says('Refused: 502 upstream_error')
  await shows(await group('upstream_error'), /^wxgate to Phone: 502/)
  await picture(page, 'backend-down-en')
  await tab('Calls')
  await page.getByRole('button', { name: 'Open a WebSocket' }).waitFor()
  await tab('What if')
  await toggle('The backend is down')
  await click('Call an API')
  await says('The backend received X-OpenID')
})

test('after a session ended elsewhere there is one more login and no error', async t => {
  const { click, tab, says, group } = await visit(t)
  await tab('What if')
  await click('Session ended elsewhere')
  await says('All sessions of the user have ended')
  await click('Call an API')
  await says('The backend received X-OpenID')
  await shows(await group('session_ended'), /^wxgate to Phone: 401 · session_ended/, 'POST /auth/login')
})

test('a web page logs in by ticket, calls by cookie, and its streams are closed by the logout', async t => {
  const { page, click, tab, says, group } = await visit(t)
  await tab('Web page')
  await click('Open <web-view>')
  await says('The page is open.')
  const frame = page.frameLocator('#web-frame')
  await frame.getByText(/^o[\w-]{27}$/).waitFor()
  await frame.locator('#stream').filter({ hasText: /^\d\d:\d\d:\d\d$/ }).waitFor()
  await frame.locator('#socket').filter({ hasText: 'echoed: hello' }).waitFor()
  const opening = await group('Open <web-view>', '/h5/ws')
  await shows(opening, 'web page')
  await shows(opening, /^wxgate to Redis: /) // read in the background: of this call or of the next
  inOrder(await arrows(opening), /^Phone to wxgate: POST \/auth\/ticket/, /^wxgate to Phone: 200 · ticket/, /^Phone to wxgate: GET \/auth\/enter\?ticket=/,
    /^wxgate to Phone: 303 · → \/h5\/page.*Set-Cookie: wxgate-dev=/, /^Phone to wxgate: GET \/h5\/page.*Cookie: wxgate-dev=/,
    /^wxgate to Backend: GET \/h5\/page.*X-OpenID: o/)
  await frame.getByRole('button', { name: 'POST an order' }).click()
  await frame.locator('#answer').filter({ hasText: /^200$/ }).waitFor()
  await shows(await group('Web page: POST an order'), /POST \/h5\/api\/orders/, /X-OpenID: o/)
  await picture(page, 'webview-en')
  await click('Log out')
  await says('the page’s session has ended with the mini program’s')
  await frame.locator('#stream').filter({ hasText: 'closed: 401 session_ended' }).waitFor()
  await frame.locator('#socket').filter({ hasText: 'closed' }).waitFor()
  await picture(page, 'webview-cut-en')
})

test('a web page opens in a new tab, and a forged ticket gets an error page', async t => {
  const { page, click, tab } = await visit(t)
  await tab('Web page')
  const [opened] = await Promise.all([page.waitForEvent('popup'), click('Open in a new tab')])
  await opened.getByText(/^o[\w-]{27}$/).waitFor()
  const [refused] = await Promise.all([page.waitForEvent('popup'), click('Forge a ticket')])
  await refused.getByText('This link is no longer valid').waitFor()
})

test('tickets and cookies of a web page are shortened', async t => {
  const { page, click, tab, says } = await visit(t)
  await tab('Web page')
  await click('Open <web-view>')
  await says('The page is open.')
  await page.frameLocator('#web-frame').getByText('echoed: hello').waitFor()
  for (const summary of await page.locator('#groups summary').all()) await summary.click()
  const [{ value }] = await page.context().cookies()
  const ticket = new URL(await page.locator('#web-frame').getAttribute('src'), page.url()).searchParams.get('ticket')
  assert.equal(ticket.length, 64)
  const shown = await page.locator('#groups').innerText()
  for (const secret of [value, ticket]) assert.ok(!shown.includes(secret))
})

test('a message to customer service is pushed encrypted, reaches the backend in plain text and gets a reply', async t => {
  const { page, click, tab, says, group } = await visit(t)
  await tab('Service')
  await page.locator('#question').fill('Where is my tea?')
  await click('Send')
  await says('The backend received the message in plain text.')
  await page.locator('#chat .theirs').filter({ hasText: 'Got it · 收到: Where is my tea?' }).waitFor()
  const push = await group('Message to customer service')
  const labels = await arrows(push)
  inOrder(labels, /^Phone to WeChat: message · alice · Where is my tea\?/, /^WeChat to wxgate: POST \/auth\/push\/.*Encrypt: /,
    /^wxgate to Backend: POST \/wechat\/push/, /^Backend to wxgate: 200/, /^wxgate to WeChat: 200 · Encrypt, /, /^WeChat to Phone: Got it · 收到: Where is my tea\?/)
  assert.ok(!labels.find(label => /^WeChat to wxgate/.test(label)).includes('tea'))
  await push.getByText(/POST \/wechat\/push/).click()
  await shows(push.locator('details[open]'), '"Where is my tea?"', 'X-OpenID')
  await picture(page, 'service-en')

  await click('WeChat sends it again')
  await says('The same message again')
  const again = await group('WeChat sends it again')
  assert.ok(!(await arrows(again)).some(label => /Backend/.test(label)), 'the backend was called twice')
  await shows(again, /^WeChat to Phone: Got it · 收到/)
})

test('while Redis is unreachable a repeated push is forwarded unchecked and marked', async t => {
  const { click, tab, toggle, says, group } = await visit(t)
  await tab('Service')
  await click('Send')
  await says('The backend received the message in plain text')
  await tab('What if')
  await toggle('Redis is unreachable')
  await says('Redis no longer responds.')
  await tab('Service')
  await click('WeChat sends it again')
  await says('without the check for repeats')
  const again = await group('WeChat sends it again')
  await again.getByText(/POST \/wechat\/push/).click()
  await shows(again.locator('details[open]'), 'X-Push-Dedupe')
})

test('a forged push is a 403, and the backend receives nothing', async t => {
  const { page, click, tab, says, group } = await visit(t)
  await tab('Service')
  await click('Forge a push')
  await says('Refused: 403 forbidden')
  const forged = await group('Forge a push')
  const labels = await arrows(forged)
  inOrder(labels, /^Phone to wxgate: POST \/auth\/push\//, /^wxgate to Phone: 403/)
  assert.equal(labels.length, 2)
  await picture(page, 'forged-push-en')
})

test('a push that the backend does not accept is sent again', async t => {
  const { click, tab, toggle, says, group } = await visit(t)
  await tab('What if')
  await toggle('The backend is down')
  await tab('Service')
  await click('Send')
  await says('Not accepted, so WeChat sent it again: 500, 500, 500, 500')
  const labels = await arrows(await group('Message to customer service'))
  assert.equal(labels.filter(label => /^WeChat to wxgate/.test(label)).length, 4)
})

test('calls of other clients are shown too', async t => {
  const { dev, group } = await visit(t)
  await fetch(dev.url + '/api/from-a-script')
  await shows(await group('/api/from-a-script'), 'other client', 'token_missing')
})

test('a page that is opened later groups the earlier calls in the same way', async t => {
  const { page, click, says, group } = await visit(t)
  await click('Call an API')
  await says('The backend received X-OpenID')
  await page.reload()
  await shows(await group('Call an API', 'GET /api/hello'), '3 calls')
  assert.equal(await page.locator('#groups > li').count(), 1)
})

test('a Chinese browser gets a Chinese page, and can switch', async t => {
  const { page, click, says, tab } = await visit(t, { locale: 'zh-CN' })
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN')
  await click('登录（wx.login）')
  await says('登录')
  await click('调用接口')
  await says('后端收到 X-OpenID：o')
  await picture(page, 'desktop-zh')
  await tab('异常')
  await click('不带 token')
  await says('被拒绝：401 token_missing')
  await picture(page, 'whatif-zh')
  await tab('网页')
  await click('打开 <web-view>')
  await page.frameLocator('#web-frame').getByText('回显: hello').waitFor()
  await picture(page, 'webview-zh')
  await tab('客服')
  await click('发送')
  await says('后端收到了明文消息')
  await picture(page, 'service-zh')
  await click('English')
  await says('The backend received the message in plain text')
  await page.getByRole('heading', { name: 'The calls of each click' }).waitFor()
})

test('every text exists in both languages', async t => {
  const { page } = await visit(t)
  const missing = await page.evaluate(async () => {
    const { texts } = await import('/playground/i18n.mjs')
    const names = (value, path) => Object.entries(value).flatMap(([name, below]) =>
      below && typeof below === 'object' && path + name !== 'meaning' ? names(below, `${path}${name}.`) : [path + name])
    const en = names(texts.en, ''), zh = names(texts.zh, '')
    return [...en.filter(name => !zh.includes(name)), ...zh.filter(name => !en.includes(name))]
  })
  assert.deepEqual(missing, [])
})

/** Whether the element is visible, as far as it fits. */
const inView = locator => locator.evaluate(node => {
  const { top, left, right } = node.getBoundingClientRect()
  const shown = document.elementFromPoint((left + right) / 2, top + 12)
  return node.contains(shown)
})

test('on a phone the page fits, and the result of a click is in view, in both languages', async t => {
  for (const [locale, login, service, send] of [['en-US', 'Log in (wx.login)', 'Service', 'Send'], ['zh-CN', '登录（wx.login）', '客服', '发送']]) {
    const { page, click, group, tab } = await visit(t, { locale, width: 390, height: 844 })
    await click(login)
    const shown = await group('POST /auth/login')
    await page.waitForFunction(() => !document.body.classList.contains('busy'))
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, 'scrolls sideways')
    assert.ok(await inView(shown), 'the login is out of view')
    await picture(page, `phone-${locale.slice(0, 2)}`)
    await shown.locator('summary').last().click()
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, 'scrolls sideways')
    await page.locator('#sequence').evaluate(node => node.scrollTo(0, node.scrollHeight))
    await tab(service)
    await click(send)
    const push = await group('/auth/push/')
    await page.waitForFunction(() => !document.body.classList.contains('busy'))
    assert.ok(await inView(push), 'the push is out of view')
    await picture(page, `phone-service-${locale.slice(0, 2)}`)
    for (const id of ['tab-api', 'tab-web', 'tab-service', 'tab-whatif']) {
      await page.locator('#' + id).click()
      await page.locator('#' + id.replace('tab', 'panel')).waitFor()
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, `${id} scrolls sideways`)
    }
    await click(locale === 'en-US' ? 'Send no token' : '不带 token')
    await page.waitForFunction(() => !document.body.classList.contains('busy'))
    assert.ok(await inView(page.locator('#result')), 'the result is out of view')
    await picture(page, `phone-whatif-${locale.slice(0, 2)}`)
  }
})

test('on a desktop the result of a click is in view, wherever the page was scrolled', async t => {
  const { page, click, says, group } = await visit(t, { height: 700 })
  for (const _ of [1, 2, 3]) {
    await click('5 concurrent calls')
    await says('5 responses')
  }
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
  await click('Call an API')
  await says('X-OpenID')
  assert.ok(await inView(await group('Call an API')), 'the call is out of view')
})

test('the dark theme is dark', async t => {
  const { page, click, says } = await visit(t, { colorScheme: 'dark' })
  await click('Call an API')
  await says('X-OpenID')
  const luminance = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  assert.equal(await luminance(), 'rgb(16, 20, 19)')
  await picture(page, 'dark-en')
  await click('Theme: auto')
  assert.equal(await luminance(), 'rgb(242, 244, 243)')
})

test('no session_key is shown or stored on the page', async t => {
  const { dev, page, click, says } = await visit(t)
  await click('Get phone number')
  await says('The phone number is')
  for (const summary of await page.locator('#groups summary').all()) await summary.click()
  const users = await (await fetch(dev.url + '/sim/users')).json()
  const seen = (await page.content()) + (await page.evaluate(() => JSON.stringify(localStorage)))
  for (const { session_key } of users) assert.ok(!session_key || !seen.includes(session_key))
})

test('wxgate dev prints the URL of the page', async t => {
  const { dev } = await visit(t)
  assert.match(dev.printed(), new RegExp(`Open ${dev.url}/ in a browser`))
})
