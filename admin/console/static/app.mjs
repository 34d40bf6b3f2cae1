// The entry point of the page: signing in, the views, the language.
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
let noticeTimer // of a notice that goes away by itself

function viewsOf({ all_apps: all }) {
  return all ? Object.keys(views) : ofSomeApps
}

/** Opens a view; `search` is an optional search to run at once. */
function open(name, search) {
  if (leave) leave()
  leave = undefined
  if (location.hash.slice(1) !== name) history.replaceState(null, '', `#${name}`)
  byId('views').replaceChildren(...viewsOf(signedIn.token).map(view =>
    button(t(view), () => open(view), { 'aria-current': view === name ? 'page' : undefined })))
  const root = byId('main')
  root.replaceChildren()
  const stop = views[name](root, { ...signedIn, open, fail, notify }, search)
  if (typeof stop === 'function') leave = stop
}

function current() {
  const allowed = viewsOf(signedIn.token)
  return allowed.find(view => view === location.hash.slice(1)) || allowed[0]
}

function start(api, token) {
  const live = token.all_apps
    ? startLive(api, { onLost: lost => lost ? showNotice(t('lost')) : updateNotice(), onRefused: error => signOut(t('refusedNow', error.message)) })
    : { listeners: new Set(), stop() {} }
  signedIn = { api, token, live }
  live.listeners.add(showInstance)
  byId('views').hidden = byId('sign-out').hidden = false
  open(current())
  if (!token.all_apps) showNotice(t('someApps', token.apps.join(', ')))
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

function showInstance({ status }) {
  byId('instance').textContent = t('thisInstance', status.version, span((new Date(status.now) - new Date(status.started_at)) / 1000))
}

/** Shows whether the instance is draining, unless another notice is shown for some seconds. */
function updateNotice() {
  if (noticeTimer) return
  if (signedIn && signedIn.live.status && signedIn.live.status.draining) showNotice(t('draining'))
  else byId('notice').hidden = true
}

function showNotice(text, tone = '') {
  clearTimeout(noticeTimer)
  noticeTimer = undefined
  byId('notice').className = `notice ${tone}`
  byId('notice').textContent = text
  byId('notice').hidden = false
}

/** Shows a notice for some seconds. */
function notify(text, tone = 'good') {
  showNotice(text, tone)
  noticeTimer = setTimeout(() => {
    noticeTimer = undefined
    byId('notice').hidden = true
  }, 6000)
}

/** Shows the error of a call; if the token was refused, signs out. */
function fail(error) {
  if (error.status === 401) return signOut(t('refusedNow', error.message))
  notify(t('failed', error.status ? `${error.code} – ${error.message}` : t('unreachable')), 'bad')
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
  if (signedIn.live.status) showInstance(signedIn.live)
})
byId('sign-out').addEventListener('click', () => signOut())
addEventListener('hashchange', () => signedIn && open(current()))
showLanguage()
signOut()
