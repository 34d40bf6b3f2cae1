// The arrows of a call as data: {from, to, tone, label, parts}, where parts are the details that open below the arrow.
import { el, middle, parse } from './dom.mjs'
import { t } from './i18n.mjs'
import * as store from './store.mjs'

export const PHONE = 0, GATE = 1, WECHAT = 2, REDIS = 3, BACKEND = 4

/**
 * The arrows of a call in the order of the events. Changes in Redis are read after the response, but were written before it.
 */
export function stepsOf(call) {
  const { fault, admin, request, response, parts, children = [], stored } = call
  if (fault) return []
  if (admin) return adminSteps(admin, stored)
  const steps = request ? [requestStep(call)] : []
  for (const { wechat, backend } of parts) steps.push(...(wechat ? wechatSteps(wechat) : backendSteps(backend)))
  for (const child of children) steps.push(...stepsOf(child))
  if (stored) steps.push(storeStep(stored))
  if (response) steps.push(responseStep(call))
  return steps
}

/** The name of a call. */
export function nameOf({ admin, request, parts: [first] }) {
  if (admin) return `${admin.method} ${middle(admin.path, 60)}`
  if (request && isSimulated(request)) return simulatedName(request)
  if (request) return `${request.method} ${middle(request.path, 60)}`
  return first ? (first.wechat ? first.wechat.api : first.backend.path) : ''
}

const isSimulated = ({ path }) => path.startsWith('/sim/')

/** A call of the simulator: WeChat's app on the phone. */
function simulatedName({ path }) {
  const what = path.slice('/sim/'.length)
  return { code: 'wx.login()', 'phone-code': t('phoneButton'), push: t('userWrites') }[what] || `${t('simulator')}: ${what}`
}

function requestStep(call) {
  const { request, response } = call
  const { method, path, header, push_of: isPush } = request
  const body = response ? response.request_body : ''
  if (isSimulated(request)) return { from: PHONE, to: WECHAT, tone: 'wechat', label: simulatedLabel(request, parse(body) || {}), parts: [[t('body'), body]] }
  const { Encrypt } = (isPush && parse(body)) || {}
  const target = isPush ? middle(path.split('?')[0], 32) : middle(path, 64)
  const label = [`${method} ${target}`, Encrypt ? `Encrypt: ${middle(Encrypt, 20)}` : middle(body, 44), credential(header)].filter(Boolean).join(' · ')
  const [from, tone] = isPush ? [WECHAT, 'wechat'] : [PHONE, 'phone']
  return { from, to: GATE, tone, label, parts: [[t('query'), queryOf(path)], [t('headers'), headersView(header, t('stripped'))], [t('body'), body]] }
}

function simulatedLabel(request, { user, message }) {
  return [simulatedName(request), user, message && message.Content].filter(Boolean).join(' · ')
}

/** The query of a path, one parameter a line. */
function queryOf(path) {
  const [, query] = path.split(/\?(.*)/s)
  return query && query.replaceAll('&', '\n')
}

/** The credential of a request. */
function credential(header) {
  const [cookie] = /wxgate-dev=[^;]*/.exec(headerOf(header, 'Cookie')) || []
  return headerOf(header, 'Authorization') || (cookie && 'Cookie: ' + cookie)
}

function wechatSteps({ method, api, query, body, status, errcode, answer: response }) {
  const good = !errcode && status === 200
  const fields = parse(response)
  const summary = !good ? `${errcode || status} ${fields ? fields.errmsg || '' : ''}` : fields ? Object.keys(fields).join(', ') : String(status)
  return [
    { from: GATE, to: WECHAT, tone: 'wechat', label: `${method} ${api}`, parts: [[t('query'), query && query.replaceAll('&', '\n')], [t('body'), body]] },
    { from: WECHAT, to: GATE, tone: good ? 'wechat' : 'error', label: summary, parts: [[t('body'), response]] },
  ]
}

function backendSteps({ method, path, header, body, status }) {
  const openid = headerOf(header, 'X-Openid')
  const label = [`${method} ${middle(path.split('?')[0], 40)}`, openid && `X-OpenID: ${openid}`].filter(Boolean).join(' · ')
  return [
    { from: GATE, to: BACKEND, tone: 'backend', label, parts: [[t('query'), queryOf(path)], [t('headers'), headersView(header, t('identity'))], [t('body'), body]] },
    { from: BACKEND, to: GATE, tone: status >= 500 ? 'error' : 'backend', label: String(status) },
  ]
}

function responseStep({ request = { path: '' }, response: { status, header, body } }) {
  if (isSimulated(request)) return { from: WECHAT, to: PHONE, tone: 'wechat', label: simulatedResponse(status, parse(body) || {}), parts: [[t('body'), body]] }
  const to = request.push_of ? WECHAT : PHONE
  const tone = status >= 400 ? 'error' : to === WECHAT ? 'wechat' : 'phone'
  return { from: GATE, to, tone, label: [status, summaryOf(header, body)].filter(Boolean).join(' · '), parts: [[t('headers'), headersView(header)], [t('body'), body]] }
}

/** A short text for a response: its error, its redirect and cookie, or the names of its fields. */
function summaryOf(header, body) {
  const fault = headerOf(header, 'X-Gateway-Error')
  const fields = parse(body)
  if (fault) return `${fault}: ${fields ? fields.message : ''}`
  const [cookie] = /^[^;]*/.exec(headerOf(header, 'Set-Cookie'))
  const to = headerOf(header, 'Location')
  if (to) return [`→ ${middle(to, 34)}`, cookie && `Set-Cookie: ${cookie}`].filter(Boolean).join(' · ')
  return fields && typeof fields === 'object' ? Object.keys(fields).join(', ') : ''
}

function simulatedResponse(status, { code: value, attempts, reply }) {
  if (value) return t('loginCode', middle(value, 20))
  if (attempts) return (parse(reply) || {}).Content || attempts.map(attempt => attempt.status || t('noAnswer')).join(', ')
  return String(status)
}

/** A call of the private listener; the operator's calls start in the backend's lane. */
function adminSteps({ method, path, body, status, response }, stored) {
  const label = [`${method} ${middle(path, 48)}`, body].filter(Boolean).join(' · ')
  const back = [status, response.trim()].filter(Boolean).join(' · ')
  return [
    { from: BACKEND, to: GATE, tone: 'backend', label, parts: [[t('body'), body]] },
    ...(stored ? [storeStep(stored)] : []),
    { from: GATE, to: BACKEND, tone: status >= 400 ? 'error' : 'backend', label: back },
  ]
}

function storeStep(stored) {
  return { from: GATE, to: REDIS, tone: 'redis', label: store.summary(stored), parts: [['', el('div', {}, ...store.keysOf(stored))]] }
}

/** The usual spelling of header names whose letter case Go has changed. */
const spelling = { 'X-Openid': 'X-OpenID', 'X-Unionid': 'X-UnionID', 'X-Appid': 'X-AppID', 'X-User-Id': 'X-User-ID', 'X-Request-Id': 'X-Request-ID', 'X-Real-Ip': 'X-Real-IP', 'X-Wx-Openid': 'X-WX-OPENID' }
const identity = /^X-(Openid|Unionid|Appid|User-Id|User-Roles|Wx-.*)$/

export const headerOf = (header, name) => (header && header[name] ? header[name].join(', ') : '')

/** The headers as a table: first the identity headers with a tag, last those that every browser sends. */
function headersView(header, tag) {
  if (!header) return undefined
  const rank = name => (identity.test(name) ? 0 : /^(Accept|Cache-Control|Connection|Pragma|Sec-|User-Agent|Upgrade)/.test(name) ? 2 : 1)
  const names = Object.keys(header).sort((a, b) => rank(a) - rank(b))
  return el('table', { class: 'headers' }, ...names.map(name => headerRow(name, header[name].join(', '), rank(name), tag)))
}

function headerRow(name, value, rank, tag) {
  const shown = el('td', { text: value })
  if (rank === 0 && tag) shown.append(' ', el('span', { class: 'tag', text: tag }))
  const tone = ['identity', undefined, 'common'][rank]
  return el('tr', { class: tone }, el('th', { scope: 'row', text: spelling[name] || name }), shown)
}
