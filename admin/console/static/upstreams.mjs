// The targets of each route: their state, and the reason of a failure.
import { card, code, el, pill, table } from './dom.mjs'
import { number, time } from './format.mjs'
import { t } from './i18n.mjs'

const tones = { healthy: 'good', half_open: 'warn', ejected: 'bad', unhealthy: 'bad' }

export function showUpstreams(root, { api, live, fail }) {
  let shown
  const load = async () => {
    try {
      const { upstreams } = await api.call('GET', '/api/upstreams')
      if (JSON.stringify(upstreams) === shown) return
      shown = JSON.stringify(upstreams)
      root.replaceChildren(card(t('upstreams'), el('p', { class: 'muted small', text: t('healthHint') }), table(
        [t('route'), t('target'), t('state'), t('inFlight'), t('weight'), t('lastFailure')],
        upstreams.flatMap(group => group.targets.map(target => row(group, target))), t('upstreams'))))
    } catch (error) {
      fail(error)
    }
  }
  load()
  live.listeners.add(load)
  return () => live.listeners.delete(load)
}

function row({ route, balance }, target) {
  const until = target.health === 'ejected' ? ` ${t('until')} ${time(target.ejected_until)}` : ''
  return [
    el('span', {}, route, el('span', { class: 'muted small block', text: balance })),
    el('span', {}, code(target.url), target.url.includes(`//${target.address}`) ? undefined : el('span', { class: 'muted small block', text: target.address })),
    el('span', {}, pill(t('health', target.health), tones[target.health]), until),
    number(target.in_flight), number(target.weight),
    target.last_failure ? el('span', {}, target.last_failure, el('span', { class: 'muted small block', text: time(target.last_failure_at) })) : t('none'),
  ]
}
