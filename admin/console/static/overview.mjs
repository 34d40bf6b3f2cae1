// The overview: figures, charts, and the state of Redis, the configuration and WeChat.
import { chart } from './chart.mjs'
import { card, code, el, facts, pill, table } from './dom.mjs'
import { number, ranked, seconds, span, sum, time } from './format.mjs'
import { t } from './i18n.mjs'

const every = 2 // seconds between two points

export function showOverview(root, { live }) {
  const rate = n => t('perSecondUnit', number(n))
  const charts = [
    chart({ title: t('requests'), every, write: rate, series: [
      { name: t('requests'), tone: 'blue', value: p => p.per_second }, { name: t('failures'), tone: 'red', value: p => p.errors_per_second }] }),
    chart({ title: t('latency'), every, write: seconds, series: [
      { name: 'p50', tone: 'blue', value: p => p.p50_seconds || undefined }, { name: 'p99', tone: 'amber', value: p => p.p99_seconds || undefined }] }),
    chart({ title: t('sessions'), every, write: number, series: [
      { name: t('sessions'), tone: 'green', value: p => p.sessions }, { name: t('sockets'), tone: 'amber', value: p => p.sockets }] }),
  ]
  const tiles = el('div', { class: 'tiles' })
  const details = el('div', { class: 'columns' })
  root.replaceChildren(tiles, el('section', { class: 'card charts' }, charts.map(c => c.node)), details)

  const update = ({ status, points }) => {
    if (!status) return
    tiles.replaceChildren(...tilesOf(status))
    for (const c of charts) c.update(points)
    details.replaceChildren(errorsOf(status.requests), dependenciesOf(status), wechatOf(status))
  }
  update(live)
  live.listeners.add(update)
  return () => live.listeners.delete(update)
}

function tile(name, value, hint, title) {
  return el('div', { class: 'tile', title }, el('span', { class: 'name', text: name }), el('b', { text: value }), el('span', { class: 'muted small', text: hint || '' }))
}

function tilesOf({ requests: r, sessions }) {
  const responses = ranked(r.answers).map(([status, n]) => `${status} ${number(n)}`).join(' · ')
  return [
    tile(t('perSecond'), number(r.per_second), responses || t('lastMinute')),
    tile(t('p50'), seconds(r.p50_seconds), t('lastMinute')),
    tile(t('p99'), seconds(r.p99_seconds), t('lastMinute')),
    tile(t('failures'), number(r.answers['5xx'] || 0), t('lastMinute')),
    tile(t('sessions'), number(sessions.cached), `${t('watched')} ${number(sessions.watched)}`, t('sessionsHint')),
    tile(t('sockets'), number(r.sockets), `${t('inFlight')} ${number(r.in_flight)}`),
  ]
}

function errorsOf(r) {
  const rows = ranked(r.since_start.errors).map(([name, n]) => [code(name), number(r.errors[name] || 0), number(n)])
  return card(t('errorsByCode'), rows.length
    ? table([t('code'), t('lastMinute'), t('sinceStart')], rows, t('errorsByCode'))
    : el('p', { class: 'muted', text: t('noErrors') }))
}

function dependenciesOf({ redis, config, sessions, started_at: startedAt, requests, version, commit, go }) {
  return card(t('dependencies'), facts([
    [t('redis'), pill(redis.reachable ? t('reachable') : t('unreachableShort'), redis.reachable ? 'good' : 'bad')],
    [t('store'), redis.store], [t('problem'), redis.problem],
    [t('lastReload'), pill(t(config.last_reload), config.last_reload === 'applied' ? 'good' : 'bad')],
    [t('configApplied'), time(config.applied_at)], [t('startedAt'), time(startedAt)],
    [t('started'), number(sessions.started)], [t('ended'), number(sessions.ended)],
    [t('answers'), `${number(sum(requests.since_start.answers))} ${t('sinceStart')}`],
    ['wxgate', `${version} (${commit.slice(0, 12)}, ${go})`],
  ]))
}

const circuitTones = { closed: 'good', 'half-open': 'warn', open: 'bad' }

function wechatOf({ apps, now }) {
  const rows = apps.map(({ appid, circuits, access_token: token }) => [
    el('span', {}, code(appid), el('span', { class: 'pills' }, Object.keys(circuits).sort().map(name => pill(circuits[name] === 'closed' ? name : `${name}: ${t('circuit', circuits[name])}`, circuitTones[circuits[name]])))),
    token ? t('tokenLeft', span((new Date(token.expires_at) - new Date(now)) / 1000)) : t('noToken'),
  ])
  return card(t('wechat'), table([t('appAndCircuits'), t('accessToken')], rows, t('wechat')))
}
