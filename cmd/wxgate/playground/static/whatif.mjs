// The tab "What if": requests that are refused, and switches that cause a fault until they are switched off.
import { call, upload } from './api.mjs'
import { byId } from './dom.mjs'
import { t } from './i18n.mjs'
import { bare, bearer, gateway, onPress, openidOf, report, reportResponse, reportFailure, token, user } from './phone.mjs'
import { callServer, newClick } from './wx.mjs'

const refusals = {
  async 'no-token'() {
    reportResponse(await bare('/api/hello'), data => t('called', openidOf(data)))
  },
  async forged() {
    const forged = token() || 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvLXNvbWVib2R5LWVsc2UifQ.c2lnbmF0dXJl'
    reportResponse(await bare('/api/hello', { header: bearer(forged.replace(/[^.]*$/, text => [...text].reverse().join(''))) }), () => '')
  },
  async spoof() {
    const header = { 'X-OpenID': 'o-somebody-else', 'X-WX-OPENID': 'o-somebody-else' }
    reportResponse(await gateway().request({ url: '/api/hello', header }), data => t('spoofed', openidOf(data)))
  },
  async ended() {
    await gateway().ensureSession()
    await bare('/auth/logout', { method: 'POST', data: { all: true }, header: bearer(token()) })
    report(() => t('endedNow'))
  },
  async limited() {
    await gateway().ensureSession()
    const header = bearer(token())
    const responses = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(n => bare(`/api/limited/${n}`, { header })))
    const refused = responses.filter(({ statusCode }) => statusCode === 429)
    report(() => t('limitedNow', responses.length - refused.length, refused.length), refused.length ? 'error' : 'good')
  },
  'too-large': () => upload(12),
}

/** The switches: the name of their text, and whether they affect only one user. */
const switches = {
  redis: { text: 'redisAway' },
  backend: { text: 'backendAway' },
  wechat: { text: 'wechatBusy' },
  blocked: { text: 'blocked', ofUser: true },
  banned: { text: 'banned', ofUser: true },
}

/** The active faults, by name and user. */
const active = new Set()

const keyOf = (name, who = '') => `${name} ${who}`
const userOf = name => (switches[name].ofUser ? user() : undefined)

/** Applies a change of a switch, made on any page. */
export function applyFault({ name, user: who, on }) {
  active[on ? 'add' : 'delete'](keyOf(name, who))
  showSwitches()
}

export function showSwitches() {
  for (const name of Object.keys(switches)) byId(name).checked = active.has(keyOf(name, userOf(name)))
  byId('broken').hidden = active.size === 0
  byId('broken').textContent = active.size
  byId('broken').title = t('brokenNow', active.size)
}

/** Reads the active faults from the server, since they stay active when a page is closed. */
export async function readSwitches() {
  const response = await fetch('/playground/faults')
  active.clear()
  for (const { name, user: who } of await response.json()) active.add(keyOf(name, who))
  showSwitches()
}

/** Whether this fault of Redis, the backend or WeChat is active. */
export const isActive = name => active.has(keyOf(name))

/** Changes a switch; this works during a call too, which may be waiting for that change. */
async function press(name) {
  const on = byId(name).checked
  try {
    await callServer('PUT', '/playground/faults', { name, user: userOf(name), on }, newClick(switches[name].text))
    report(() => t(on ? 'faultOn' : 'faultOff')[name], on ? 'waiting' : 'good')
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
