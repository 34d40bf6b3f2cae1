// The phone: its user, the actions of its buttons, and their results. Every call goes through the SDK.
import { byId, el } from './dom.mjs'
import { clock, t } from './i18n.mjs'
import { beginClick, newWx, clearPhones } from './wx.mjs'
import { createGateway } from './wxgate-miniprogram.mjs'

// The SDK accepts plain http only for localhost and IP addresses, but this page may be opened under any name. So its phone
// calls https, and wx.mjs sends these calls to the page's own origin.
const base = ['https', location.host].join('://')
const tokenKey = `wxgate:${base}:`
const people = ['alice', 'bob', '小明']

/** The phones by user: `wx` and the gateway object. */
const phones = new Map()
let logins = 0

export const user = () => byId('user').value

/** How often wx.login was called. */
export const loginCount = () => logins

function phone() {
  const name = user()
  if (!phones.has(name)) {
    const wx = newWx(name)
    const { login } = wx
    wx.login = options => (logins++, login(options))
    phones.set(name, { wx, gateway: createGateway({ baseURL: base, platform: wx }) })
  }
  return phones.get(name)
}

export const gateway = () => phone().gateway

/** The token that the phone holds, or ''. */
export const token = () => (phone().wx.getStorageSync(tokenKey) || {}).token || ''

export const bearer = token => ({ Authorization: 'Bearer ' + token })

/** A call without the SDK. */
export function bare(path, options = {}) {
  return new Promise((success, fail) => phone().wx.request({ url: base + path, ...options, success, fail }))
}

/** The last result: a function for its text, so that it can be shown in another language. */
let last

/** Shows a result; `make` returns the text. */
export function report(make, tone = 'good') {
  last = { make, tone }
  showResult()
  showState()
}

function showResult() {
  const { make, tone } = last || {}
  const output = byId('result')
  output.className = `result ${tone || ''}`
  output.textContent = make ? make() : ''
}

function showState() {
  const { token, expires } = phone().wx.getStorageSync(tokenKey) || {}
  const alive = token && expires > Date.now()
  byId('state').textContent = alive ? t('loggedIn', clock(expires).slice(0, 5)) : t('loggedOut')
  byId('state-dot').className = alive ? 'dot on' : 'dot'
}

/** Runs the action of a button and shows its result. Only one runs at a time, so that its calls can be attributed to it. */
export async function act(name, what) {
  if (document.body.classList.contains('busy')) return
  document.body.classList.add('busy')
  beginClick(name)
  report(() => t('waiting'), 'waiting')
  try {
    await what()
  } catch (error) {
    reportFailure(error)
  } finally {
    document.body.classList.remove('busy')
  }
}

/** Sets the action of a button; the click has the name of the button's text. */
export function onPress(id, what) {
  const button = byId(id)
  button.addEventListener('click', () => act(button.dataset.t, what))
}

/** Sets the action of a form; the click has the given name. */
export function onSubmit(id, name, what) {
  byId(id).addEventListener('submit', event => {
    event.preventDefault()
    act(name, what)
  })
}

export function reportFailure({ code: name, statusCode, errMsg, message }) {
  if (name) reportRefusal(statusCode, name)
  else report(() => t('failed', errMsg || message), 'error')
}

export function reportRefusal(status, name) {
  report(() => [t('refused', status, name), t('why')[name]].filter(Boolean).join('\n'), 'error')
}

/** Shows the response to a call: the text that `good` returns for its data, or the error. */
export function reportResponse({ statusCode, data }, good) {
  if (statusCode < 400) report(() => good(data), 'good')
  else reportRefusal(statusCode, data.error || '')
}

export const openidOf = data => ((data.headers && data.headers['X-Openid']) || ['–'])[0]

function chooseUser() {
  const select = byId('user')
  if (select.value === '') addUser('user-' + Math.random().toString(36).slice(2, 6))
  localStorage.setItem('wxgate user', select.value)
  last = undefined
  showPhone()
  select.dispatchEvent(new CustomEvent('chosen', { bubbles: true }))
}

function addUser(name) {
  const select = byId('user')
  select.querySelector('[value=""]').before(el('option', { value: name, text: name }))
  select.value = name
}

/** Discards the tokens of an earlier wxgate dev; `start` identifies the running one. */
export function discardOtherProcess(start) {
  if (localStorage.getItem('wxgate start') === start) return
  localStorage.setItem('wxgate start', start)
  clearPhones()
  phones.clear()
  showPhone()
}

/** Updates the phone after a change of the language. */
export function showPhone() {
  byId('user').querySelector('[value=""]').textContent = t('newUser')
  showResult()
  showState()
}

function chooseTab(chosen) {
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    const isChosen = tab === chosen
    tab.setAttribute('aria-selected', isChosen)
    tab.tabIndex = isChosen ? 0 : -1
    byId(tab.getAttribute('aria-controls')).hidden = !isChosen
  }
  last = undefined
  showResult()
}

/** Arrow keys move between tabs, according to the ARIA pattern for tabs. */
function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
  if (!step) return
  const tabs = [...document.querySelectorAll('[role="tab"]')]
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length]
  chooseTab(next)
  next.focus()
}

export function startPhone() {
  byId('user').append(...people.map(name => el('option', { value: name, text: name })), el('option', { value: '' }))
  const before = localStorage.getItem('wxgate user')
  if (before && !people.includes(before)) addUser(before)
  byId('user').value = before || people[0]
  byId('user').addEventListener('change', chooseUser)
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    tab.addEventListener('click', () => chooseTab(tab))
    tab.addEventListener('keydown', moveTab)
  }
  chooseTab(byId('tab-api'))
  setInterval(showState, 10000)
}
