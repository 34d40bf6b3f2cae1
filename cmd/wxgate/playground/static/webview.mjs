// The tab of web pages: gets a ticket, and opens the page in a frame in place of a <web-view>.
import { logout } from './api.mjs'
import { byId, middle } from './dom.mjs'
import { locale, t } from './i18n.mjs'
import { gateway, onPress, report } from './phone.mjs'
import { here } from './wx.mjs'

/** The page of the sample backend, in this page's language and colours. */
const page = () => `/h5/page?lang=${locale().slice(0, 2)}&theme=${document.documentElement.dataset.theme}`

async function openPage() {
  const url = here(await gateway().webviewURL(page()))
  byId('web-view').hidden = false
  byId('web-address').textContent = middle(url, 36)
  byId('web-frame').src = url
  report(() => t('pageOpened'))
}

async function openTab() {
  const tab = window.open('about:blank') // before any await: later the browser would block it as a pop-up
  const url = here(await gateway().webviewURL(page()))
  if (tab) tab.location = new URL(url, location.href)
  report(() => t('tabOpened'))
}

async function badTicket() {
  window.open('/auth/enter?ticket=' + 'A'.repeat(64))
  report(() => t('badTicketOpened'))
}

export function startWebview() {
  onPress('open-page', openPage)
  onPress('open-tab', openTab)
  onPress('web-logout', async () => {
    await logout()
    report(() => t('pageCut'))
  })
  onPress('bad-ticket', badTicket)
}
