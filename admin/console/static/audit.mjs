// The audit trail, the newest first.
import { button, card, code, el, pill, table } from './dom.mjs'
import { time } from './format.mjs'
import { t } from './i18n.mjs'

const scopes = ['admin', 'wechat', 'token']

export function showAudit(root, context) {
  const scope = el('select', { name: 'scope', on: { change: () => load() } }, scopes.map(value => el('option', { value, text: t('trails', value) })))
  const list = el('div')
  let entries = []
  async function load(before) {
    const query = new URLSearchParams({ scope: scope.value, ...(before && { before }) })
    try {
      const page = await context.api.call('GET', `/api/audit?${query}`)
      entries = before ? [...entries, ...page.entries] : page.entries
      show(page.next)
    } catch (error) {
      context.fail(error)
    }
  }
  function show(next) {
    list.replaceChildren(
      entries.length
        ? table([t('time'), t('actor'), t('action'), t('subject'), t('result'), t('from')], entries.map(entry => row(entry, context)), t('audit'))
        : el('p', { class: 'muted', text: t('empty') }),
      next ? button(t('older'), () => load(next)) : '')
  }
  root.replaceChildren(card(t('audit'), el('div', { class: 'row' }, el('label', {}, el('span', { text: t('trail') }), scope)),
    el('p', { class: 'muted small', text: t('auditLead') }), list))
  load()
}

function row(e, { open }) {
  const subject = e.openid
    ? button(e.openid, () => open('users', { openid: e.openid, appid: e.appid }), { class: 'link' })
    : code(e.appid)
  const more = [e.reason, e.until && `${t('until')} ${time(e.until)}`, e.ended && t('done', 'ended', e.ended)].filter(Boolean).join(' · ')
  return [
    time(e.at), e.actor, t('actions', e.action),
    el('span', {}, subject, e.openid && el('span', { class: 'muted small block', text: e.appid })),
    el('span', {}, pill(e.ok ? t('ok') : e.error, e.ok ? 'good' : 'bad'), more && el('span', { class: 'muted small block', text: more })),
    el('span', { class: 'muted small', text: e.from, title: e.request_id }),
  ]
}
