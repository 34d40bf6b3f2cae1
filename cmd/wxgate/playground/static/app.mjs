// The entry point of the page: starts the phone and the stream of events, and sets language and theme.
import { showApi, startApi } from './api.mjs'
import * as calls from './calls.mjs'
import { byId, parse } from './dom.mjs'
import { otherLanguage, t, translate } from './i18n.mjs'
import { discardOtherProcess, showPhone, startPhone, user } from './phone.mjs'
import { startService } from './service.mjs'
import { clearStore, showStore } from './store.mjs'
import { startWebview } from './webview.mjs'
import { readSwitches, showSwitches, startWhatIf, applyFault } from './whatif.mjs'
import { traffic } from './wx.mjs'

const themes = ['auto', 'light', 'dark']
let theme = localStorage.getItem('wxgate theme') || 'auto'

function showTheme() {
  document.documentElement.dataset.theme = theme
  byId('theme').textContent = t('theme')[theme]
}

function nextTheme() {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length]
  localStorage.setItem('wxgate theme', theme)
  showTheme()
}

function showAll() {
  translate()
  byId('language').textContent = t('otherLanguage')
  showTheme()
  showPhone()
  showApi()
  showSwitches()
  showStore(user())
  calls.showAll()
}

function follow() {
  const events = new EventSource('/playground/events')
  let running
  events.addEventListener('hello', ({ data }) => {
    if (running && running !== data) startOver()
    running = data
    discardOtherProcess(parse(data))
    readSwitches().catch(() => {}) // repeated at the next connection
  })
  events.onopen = () => (byId('lost').hidden = true)
  events.onerror = () => (byId('lost').hidden = false)
  events.onmessage = ({ data }) => {
    const event = parse(data)
    calls.addEvent(event)
    if (event.kind === 'fault') applyFault(event.detail)
    if (event.kind === 'store' || event.kind === 'response') showStore(user())
  }
}

/** Clears the page when another wxgate dev runs, because that counts its calls from one. */
function startOver() {
  calls.clear()
  clearStore()
  showStore(user())
}

byId('language').addEventListener('click', () => (otherLanguage(), showAll()))
byId('theme').addEventListener('click', nextTheme)
byId('clear').addEventListener('click', calls.clear)
byId('user').addEventListener('chosen', () => showStore(user()))
traffic.addEventListener('message', ({ detail }) => calls.addMessage(detail))
byId('curl').textContent = `curl -si ${location.origin}/api/hello`
startPhone()
startApi()
startWebview()
startService()
startWhatIf()
showAll()
follow()
