// Puts the page together: signing in, the views, the language.
import { showAudit } from './audit.mjs'
import { showConfig } from './config.mjs'
import { byId, button } from './dom.mjs'
import { span } from './format.mjs'
import { otherLanguage, t, translate } from './i18n.mjs'
import { startLive } from './live.mjs'
import { showOverview } from './overview.mjs'
import { showRoutes } from './routes.mjs'
import { showSignIn } from './signin.mjs'
import { showUpstreams } from './upstreams.mjs'
import { showUsers } from './users.mjs'

const views = { overview: showOverview, upstreams: showUpstreams, routes: showRoutes, users: showUsers, config: showConfig, audit: showAudit }
const ofSomeApps = ['users', 'audit'] // what a token may see that is not for all apps

let signedIn // {api, token, live}
let leave // ends what the view has running
let said // the notice's timer

function viewsOf({ all_apps: all }) {
  return all ? Object.keys(views) : ofSomeApps
}

/** Shows a view; asked is what it is to begin with. */
function open(name, asked) {
  if (leave) leave()
  leave = undefined
  if (location.hash.slice(1) !== name) history.replaceState(null, '', `#${name}`)
  byId('views').replaceChildren(...viewsOf(signedIn.token).map(view =>
    button(t(view), () => open(view), { 'aria-current': view === name ? 'page' : undefined })))
  const root = byId('main')
  root.replaceChildren()
  const left = views[name](root, { ...signedIn, open, fail, say }, asked)
  if (typeof left === 'function') leave = left
}

function current() {
  const allowed = viewsOf(signedIn.token)
  return allowed.find(view => view === location.hash.slice(1)) || allowed[0]
}

function start(api, token) {
  const live = token.all_apps
    ? startLive(api, { onLost: lost => lost ? keepSaying(t('lost')) : tellStatus(), onRefused: error => signOut(t('refusedNow', error.message)) })
    : { listeners: new Set(), stop() {} }
  signedIn = { api, token, live }
  live.listeners.add(tellInstance)
  byId('views').hidden = byId('sign-out').hidden = false
  open(current())
  if (!token.all_apps) keepSaying(t('someApps', token.apps.join(', ')))
}

function signOut(message) {
  if (leave) leave()
  if (signedIn) signedIn.live.stop()
  leave = signedIn = undefined
  byId('views').hidden = byId('sign-out').hidden = byId('notice').hidden = true
  byId('instance').textContent = ''
  if (byId('dialog').open) byId('dialog').close()
  byId('dialog').replaceChildren()
  showSignIn(byId('main'), message, start)
}

function tellInstance({ status }) {
  byId('instance').textContent = t('thisInstance', status.version, span((new Date(status.now) - new Date(status.started_at)) / 1000))
}

/** Says what the figures tell, unless something was just said. */
function tellStatus() {
  if (said) return
  if (signedIn && signedIn.live.status && signedIn.live.status.draining) keepSaying(t('draining'))
  else byId('notice').hidden = true
}

function keepSaying(text, tone = '') {
  clearTimeout(said)
  said = undefined
  byId('notice').className = `notice ${tone}`
  byId('notice').textContent = text
  byId('notice').hidden = false
}

/** Says something for some seconds. */
function say(text, tone = 'good') {
  keepSaying(text, tone)
  said = setTimeout(() => {
    said = undefined
    byId('notice').hidden = true
  }, 6000)
}

/** Says why a call failed; a token that is refused signs out. */
function fail(error) {
  if (error.status === 401) return signOut(t('refusedNow', error.message))
  say(t('failed', error.status ? `${error.code} – ${error.message}` : t('unreachable')), 'bad')
}

function showLanguage() {
  translate()
  byId('language').textContent = t('otherLanguage')
  byId('language').lang = document.documentElement.lang === 'en' ? 'zh-CN' : 'en'
}

byId('language').addEventListener('click', () => {
  otherLanguage()
  showLanguage()
  if (!signedIn) return signOut()
  open(current())
  if (signedIn.live.status) tellInstance(signedIn.live)
})
byId('sign-out').addEventListener('click', () => signOut())
addEventListener('hashchange', () => signedIn && open(current()))
showLanguage()
signOut()
