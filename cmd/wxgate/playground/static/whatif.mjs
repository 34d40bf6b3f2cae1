// The tab of what-ifs: requests that are refused, and switches that break something until they are pressed again.
import { call, upload } from './api.mjs'
import { byId } from './dom.mjs'
import { t } from './i18n.mjs'
import { bare, bearer, gateway, onPress, openidOf, report, reportAnswer, reportFailure, token, user } from './phone.mjs'
import { ask, newClick } from './wx.mjs'

const refusals = {
  async 'no-token'() {
    reportAnswer(await bare('/api/hello'), data => t('called', openidOf(data)))
  },
  async forged() {
    const forged = token() || 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvLXNvbWVib2R5LWVsc2UifQ.c2lnbmF0dXJl'
    reportAnswer(await bare('/api/hello', { header: bearer(forged.replace(/[^.]*$/, text => [...text].reverse().join(''))) }), () => '')
  },
  async spoof() {
    const header = { 'X-OpenID': 'o-somebody-else', 'X-WX-OPENID': 'o-somebody-else' }
    reportAnswer(await gateway().request({ url: '/api/hello', header }), data => t('spoofed', openidOf(data)))
  },
  async ended() {
    await gateway().ensureSession()
    await bare('/auth/logout', { method: 'POST', data: { all: true }, header: bearer(token()) })
    report(() => t('endedNow'))
  },
  async limited() {
    await gateway().ensureSession()
    const header = bearer(token())
    const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(n => bare(`/api/limited/${n}`, { header })))
    const refused = answers.filter(({ statusCode }) => statusCode === 429)
    report(() => t('limitedNow', answers.length - refused.length, refused.length), refused.length ? 'error' : 'good')
  },
  'too-large': () => upload(12),
}

/** The switches: the name of their text, and whether they are of one user. */
const switches = {
  redis: { text: 'redisAway' },
  backend: { text: 'backendAway' },
  wechat: { text: 'wechatBusy' },
  blocked: { text: 'blocked', ofUser: true },
  banned: { text: 'banned', ofUser: true },
}

/** What is broken, by name and user. */
const broken = new Set()

const keyOf = (name, who = '') => `${name} ${who}`
const userOf = name => (switches[name].ofUser ? user() : undefined)

/** Takes in that a switch was pressed, on whichever page. */
export function takeFault({ name, user: who, on }) {
  broken[on ? 'add' : 'delete'](keyOf(name, who))
  showSwitches()
}

export function showSwitches() {
  for (const name of Object.keys(switches)) byId(name).checked = broken.has(keyOf(name, userOf(name)))
  byId('broken').hidden = broken.size === 0
  byId('broken').textContent = broken.size
  byId('broken').title = t('brokenNow', broken.size)
}

/** Asks the server what is broken: it stays so when a page is closed. */
export async function readSwitches() {
  const response = await fetch('/playground/faults')
  broken.clear()
  for (const { name, user: who } of await response.json()) broken.add(keyOf(name, who))
  showSwitches()
}

/** Whether Redis, the backend or WeChat is taken away. */
export const isBroken = name => broken.has(keyOf(name))

/** Presses a switch; also while a call is under way, which may be waiting for just that. */
async function press(name) {
  const on = byId(name).checked
  try {
    await ask('PUT', '/playground/faults', { name, user: userOf(name), on }, newClick(switches[name].text))
    report(() => t(on ? 'breaks' : 'mends')[name], on ? 'waiting' : 'good')
  } catch (error) {
    reportFailure(error)
  } finally {
    showSwitches()
  }
}

export function startWhatIf() {
  for (const [id, what] of Object.entries(refusals)) onPress(id, what)
  for (const name of Object.keys(switches)) byId(name).addEventListener('change', () => press(name))
  onPress('try-it', call)
  byId('user').addEventListener('chosen', showSwitches)
}
