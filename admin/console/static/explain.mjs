// The form that shows how the gateway would handle a request.
import { card, code, el, facts, pill } from './dom.mjs'
import { time } from './format.mjs'
import { t } from './i18n.mjs'
import { requirements } from './requirements.mjs'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const tones = { passed: 'good', refused: 'bad', skipped: '' }

export function explainForm({ api, fail }) {
  const method = el('select', { name: 'method' }, methods.map(text => el('option', { text })))
  const url = el('input', { name: 'url', required: true, maxlength: '8192', placeholder: '/api/orders', spellcheck: 'false', autocomplete: 'off' })
  const token = el('input', { name: 'user-token', type: 'password', autocomplete: 'off', maxlength: '8192' })
  const result = el('div', { 'aria-live': 'polite' })
  const submit = async event => {
    event.preventDefault()
    try {
      result.replaceChildren(...explanation(await api.call('POST', '/api/explain', { method: method.value, url: url.value.trim(), token: token.value.trim() })))
    } catch (error) {
      result.replaceChildren()
      fail(error)
    }
  }
  return card(t('explain'), el('form', { class: 'row', on: { submit } },
    el('label', {}, el('span', { text: t('method') }), method), el('label', { class: 'wide' }, el('span', { text: t('url') }), url),
    el('label', { class: 'wide' }, el('span', { text: t('userToken') }), token), el('button', { class: 'primary', text: t('explainAction') })),
  el('p', { class: 'muted small', text: t('explainHint') }), result)
}

function explanation(e) {
  return [
    el('p', { class: `outcome ${e.refusal ? 'bad' : 'good'}` }, outcome(e)),
    el('ol', { class: 'steps' }, e.steps.map(({ name, outcome }) => el('li', {}, pill(t('step', outcome), tones[outcome]), ` ${name}`))),
    facts([
      [t('route'), e.route && `${e.route.name} · ${requirements(e.route).join(', ')}`],
      [t('goesTo'), e.route && e.target && `${e.route.upstreams.map(({ url }) => url).join(', ')} ${t('as')} ${e.target}`],
      [t('session'), e.session && el('span', {}, code(e.session.openid), ` · ${e.session.appid} · ${t('validUntil')} ${time(e.session.expires_at)}`)],
      [t('headers'), e.headers && Object.keys(e.headers).length > 0 && el('span', {}, Object.keys(e.headers).sort().map(name => el('span', { class: 'block' }, code(`${name}: ${e.headers[name].join(', ')}`))))],
    ].filter(([, value]) => value)),
  ]
}

function outcome(e) {
  if (e.refusal) return `${e.refusal.status} ${e.refusal.error}: ${e.refusal.message}`
  return e.own ? t('ownEndpoint') : t('forwarded')
}
