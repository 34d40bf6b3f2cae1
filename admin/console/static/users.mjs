// Users: search, their sessions, and the actions on them.
import { path } from './api.mjs'
import { button, card, code, el, facts, pill, table } from './dom.mjs'
import { confirmAction } from './dialog.mjs'
import { middle, time } from './format.mjs'
import { t } from './i18n.mjs'

const kinds = ['openid', 'phone', 'user_id', 'unionid']

export function showUsers(root, context, search) {
  const { api, token, fail } = context
  const kind = el('select', { name: 'kind' }, kinds.map(value => el('option', { value, text: t('kinds', value) })))
  const value = el('input', { name: 'value', required: true, maxlength: '256', spellcheck: 'false', autocomplete: 'off' })
  const app = el('select', { name: 'app' }, el('option', { value: '', text: t('allApps') }), token.apps.map(appid => el('option', { value: appid, text: appid })))
  const found = el('div', { 'aria-live': 'polite' })

  async function find() {
    const query = new URLSearchParams({ [kind.value]: value.value.trim(), ...(app.value && { appid: app.value }) })
    try {
      const { users } = await api.call('GET', `/api/users?${query}`)
      found.replaceChildren(...(users.length ? users.map(user => userCard(user, context)) : [el('p', { class: 'muted', text: t('nobody') })]))
    } catch (error) {
      found.replaceChildren()
      fail(error)
    }
  }
  root.replaceChildren(card(t('findUser'), el('form', { class: 'row', on: { submit: event => (event.preventDefault(), find()) } },
    el('label', {}, el('span', { text: t('by') }), kind), el('label', { class: 'wide' }, el('span', { text: t('value') }), value),
    el('label', {}, el('span', { text: t('app') }), app), el('button', { class: 'primary', text: t('find') }))), found)
  if (search) {
    value.value = search.openid
    app.value = token.apps.includes(search.appid) ? search.appid : ''
    return void find()
  }
  value.focus()
}

function userCard(user, context) {
  const base = path`/api/users/${user.appid}/${user.openid}`
  const node = el('section', { class: 'card user' })
  const change = async (question, done, run) => {
    if (!(await confirmAction(question))) return
    try {
      context.notify(done(await run()))
      show(await context.api.call('GET', base))
    } catch (error) {
      context.fail(error)
    }
  }
  const show = now => node.replaceChildren(
    el('h2', {}, code(now.openid), now.ban ? pill(t('ban'), 'bad') : undefined), record(now),
    now.sessions.length ? sessions(now, context, change) : el('p', { class: 'muted', text: t('noSessions') }), actions(now, context, base, change))
  show(user)
  return node
}

function record(u) {
  return facts([
    [t('app'), code(u.appid)], [t('nickname'), u.profile.nickname], [t('phone'), u.phone], [t('userID'), u.user_id], [t('roles'), (u.roles || []).join(', ')],
    [t('unionID'), u.unionid && code(u.unionid)], [t('firstLogin'), time(u.first_login) || t('never')], [t('lastLogin'), time(u.last_login)],
    [t('ban'), u.ban && `${u.ban.until ? `${t('until')} ${time(u.ban.until)}` : t('forGood')}${u.ban.reason ? `: ${u.ban.reason}` : ''}`],
  ])
}

function sessions(user, { api }, change) {
  const rows = user.sessions.map(s => [
    el('span', {}, pill(t('kindOf', s.kind))), time(s.created_at), time(s.last_seen), time(s.ends_at), el('code', { text: middle(s.sid), title: s.sid }),
    button(t('end'), () => change({ title: t('endTitle'), text: t('endText'), action: t('end') }, ({ ended }) => t('done', 'ended', ended),
      () => api.call('DELETE', path`/api/sessions/${s.sid}`)), { class: 'small-button' }),
  ])
  return table([t('kind'), t('created'), t('lastUse'), t('ends'), t('sid'), ''], rows, t('sessions'))
}

function actions(user, { api }, base, change) {
  const endAll = () => change({ title: t('endAllTitle'), text: t('endAllText', user.sessions.length), action: t('endAll') },
    ({ ended }) => t('done', 'ended', ended), () => api.call('DELETE', `${base}/sessions`))
  const unban = () => change({ title: t('unbanTitle'), text: t('unbanText'), action: t('unbanAction') },
    () => t('done', 'unbanned'), () => api.call('DELETE', `${base}/ban`))
  const ban = () => {
    const reason = el('input', { name: 'reason', maxlength: '500', autocomplete: 'off' })
    const length = el('select', { name: 'length' }, ['0', '3600', '86400', '604800', '2592000'].map(value => el('option', { value, text: t('lengths', value) })))
    const until = () => (length.value === '0' ? {} : { until: Math.floor(Date.now() / 1000) + Number(length.value) })
    return change({ title: t('banTitle'), text: t('banText'), action: t('banAction'), fields: [{ label: t('reason'), node: reason }, { label: t('howLong'), node: length }] },
      () => t('done', 'banned'), () => api.call('PUT', `${base}/ban`, { reason: reason.value, ...until() }))
  }
  return el('div', { class: 'actions' },
    user.sessions.length > 0 && button(t('endAll'), endAll), user.ban && button(t('unbanAction'), unban), button(t('banAction'), ban, { class: 'danger' }))
}
