// The list of calls: each a small sequence diagram, newest on top.
import { byId, code, el, middle, parse } from './dom.mjs'
import { clock, t } from './i18n.mjs'
import * as store from './store.mjs'
import { isOwn } from './wx.mjs'

const PHONE = 0, GATE = 1, WECHAT = 2, REDIS = 3, BACKEND = 4

/** How many calls stay on the page. */
const most = 100

/** How many messages of a socket or stream are shown with its call. */
const mostMessages = 4

/** Calls by number. */
const calls = new Map()

/** Takes an event of the server's in, and shows it. */
export function take({ exchange, kind, time, detail }) {
  const call = callOf(exchange, time)
  learn[kind](call, detail)
  show(call)
}

/** What has passed on the page's sockets and streams, by request id: it may be there before the server tells of the call. */
const passed = new Map()

function messagesOf(requestID) {
  if (!passed.has(requestID)) passed.set(requestID, { earlier: 0, last: [] })
  return passed.get(requestID)
}

/** Takes in what passes on a socket or a stream of this page. */
export function takeMessage({ id, out, text }) {
  const messages = messagesOf(id)
  messages.last.push({ from: out ? PHONE : BACKEND, to: out ? BACKEND : PHONE, label: text.trim(), tone: out ? 'phone' : 'backend' })
  if (messages.last.length > mostMessages) {
    messages.last.shift()
    messages.earlier++
  }
  const call = [...calls.values()].find(call => call.messages === messages)
  if (call) showMessages(call)
}

export function clear() {
  calls.clear()
  passed.clear()
  byId('calls').replaceChildren()
  showEmpty()
}

/** Shows all again, in another language. */
export function showAll() {
  calls.forEach(show)
  showEmpty()
}

function showEmpty() {
  byId('empty').hidden = calls.size > 0
}

let unowned = 0

function callOf(number, time) {
  // What belongs to no call of a phone, such as a token fetched for a script, is shown by itself.
  const key = number || --unowned
  if (!calls.has(key)) {
    calls.set(key, { time, steps: [], node: el('li'), tail: el('div', { class: 'steps' }) })
    byId('calls').prepend(calls.get(key).node)
    forgetOldest()
  }
  return calls.get(key)
}

function forgetOldest() {
  if (calls.size > most) {
    const [oldest, { node, request }] = calls.entries().next().value
    calls.delete(oldest)
    if (request) passed.delete(request.request_id)
    node.remove()
  }
  showEmpty()
}

/** What each kind of event adds to a call. */
const learn = {
  request(call, request) {
    call.request = request
    call.messages = messagesOf(request.request_id)
    call.simulated = request.path.startsWith('/sim/')
  },
  wechat(call, asked) {
    call.steps.push({ wechat: asked })
  },
  backend(call, received) {
    call.steps.push({ backend: received })
  },
  answer(call, answer) {
    call.answer = answer
    if (call.request && call.request.path === '/sim/code' && answer.status === 200) {
      store.learnName(parse(answer.body).openid, parse(answer.request_body).user)
    }
  },
  store(call, snapshot) {
    call.stored = store.take(snapshot)
  },
}

function show(call) {
  const open = new Set([...call.node.querySelectorAll('details[open]')].map(node => node.dataset.step))
  const steps = stepsOf(call).map((step, i) => drawStep(step, String(i), open.has(String(i))))
  call.node.replaceChildren(drawHead(call), el('div', { class: 'steps' }, ...steps), call.tail)
  showMessages(call)
}

/** What a call is called. */
function nameOf({ request, simulated, steps: [first] }) {
  if (simulated) return simulatedName(request)
  if (request) return `${request.method} ${middle(request.path, 60)}`
  return first.wechat ? first.wechat.api : first.backend.path
}

function drawHead(call) {
  const { request, answer, time } = call
  const tags = []
  if (answer) tags.push(el('span', { class: `status ${toneOf(answer.status)}`, text: String(answer.status) }))
  else if (request) tags.push(el('span', { class: 'status waiting', text: t('waiting') }))
  const fault = answer && headerOf(answer.header, 'X-Gateway-Error')
  if (fault) tags.push(el('span', { class: 'status error', text: fault }))
  if (!request || !isOwn(request.request_id)) tags.push(el('span', { class: 'tag', text: t('fromElsewhere') }))
  const facts = [clock(time)]
  if (answer) facts.unshift(t('took', (answer.took_us / 1000).toFixed(answer.took_us < 10000 ? 1 : 0)))
  return el('h3', {}, el('code', { text: nameOf(call) }), ...tags, el('span', { class: 'when', text: facts.join(' · ') }))
}

function toneOf(status) {
  if (status >= 400) return 'error'
  return 'good'
}

/** The arrows of a call, in the order in which they happened. */
function stepsOf(call) {
  if (call.simulated) return simulatedSteps(call)
  const { request, answer, steps, stored } = call
  const drawn = []
  if (request) drawn.push(askStep(request, answer))
  for (const { wechat, backend } of steps) drawn.push(...(wechat ? wechatSteps(wechat) : backendSteps(backend)))
  if (answer) drawn.push(answerStep(answer))
  if (stored) drawn.push(storeStep(stored))
  return drawn
}

/** A call of the simulator: WeChat's app on the phone, or an injected fault. */
function simulatedSteps({ request, answer }) {
  const asked = answer ? answer.request_body : ''
  const { user } = parse(asked) || {}
  const label = [simulatedName(request), user].filter(Boolean).join(' · ')
  const drawn = [{ from: PHONE, to: WECHAT, tone: 'wechat', label, parts: [[t('body'), asked]] }]
  if (answer) drawn.push({ from: WECHAT, to: PHONE, tone: 'wechat', label: simulatedAnswer(answer), parts: [[t('body'), answer.body]] })
  return drawn
}

function simulatedName({ path }) {
  const what = path.slice('/sim/'.length)
  return { code: 'wx.login()', 'phone-code': t('phoneButton') }[what] || `${t('simulator')}: ${what}`
}

function simulatedAnswer({ body, status }) {
  const { code: value } = parse(body) || {}
  return value ? t('loginCode', middle(value, 20)) : String(status)
}

function askStep({ method, path, header }, answer) {
  const body = answer ? answer.request_body : ''
  const label = [`${method} ${path}`, middle(body, 44), headerOf(header, 'Authorization')].filter(Boolean).join(' · ')
  return { from: PHONE, to: GATE, tone: 'phone', label, parts: [[t('headers'), headersView(header, t('stripped'))], [t('body'), body]] }
}

function wechatSteps({ method, api, query, body, status, errcode, answer }) {
  const good = !errcode && status === 200
  const told = parse(answer)
  const gist = !good ? `${errcode || status} ${told ? told.errmsg || '' : ''}` : told ? Object.keys(told).join(', ') : String(status)
  return [
    { from: GATE, to: WECHAT, tone: 'wechat', label: `${method} ${api}`, parts: [[t('query'), query && query.replaceAll('&', '\n')], [t('body'), body]] },
    { from: WECHAT, to: GATE, tone: good ? 'wechat' : 'error', label: gist, parts: [[t('body'), answer]] },
  ]
}

function backendSteps({ method, path, header, body, status }) {
  const openid = headerOf(header, 'X-Openid')
  const label = `${method} ${path}${openid ? ` · X-OpenID: ${openid}` : ''}`
  return [
    { from: GATE, to: BACKEND, tone: 'backend', label, parts: [[t('headers'), headersView(header, t('identity'))], [t('body'), body]] },
    { from: BACKEND, to: GATE, tone: 'backend', label: String(status) },
  ]
}

function answerStep({ status, header, body }) {
  const fault = headerOf(header, 'X-Gateway-Error')
  const told = parse(body)
  const gist = fault ? `${fault}: ${told ? told.message : ''}` : told && typeof told === 'object' ? Object.keys(told).join(', ') : ''
  const label = [status, gist].filter(Boolean).join(' · ')
  return { from: GATE, to: PHONE, tone: status >= 400 ? 'error' : 'phone', label, parts: [[t('headers'), headersView(header)], [t('body'), body]] }
}

function storeStep(stored) {
  return { from: GATE, to: REDIS, tone: 'redis', label: store.summary(stored), parts: [['', el('div', {}, ...store.keysOf(stored))]] }
}

/** Header names as they are written: servers fold their case. */
const spelled = { 'X-Openid': 'X-OpenID', 'X-Unionid': 'X-UnionID', 'X-Appid': 'X-AppID', 'X-User-Id': 'X-User-ID', 'X-Request-Id': 'X-Request-ID', 'X-Real-Ip': 'X-Real-IP', 'X-Wx-Openid': 'X-WX-OPENID' }
const identity = /^X-(Openid|Unionid|Appid|User-Id|User-Roles|Wx-.*)$/

const headerOf = (header, name) => (header && header[name] ? header[name].join(', ') : '')

/** The headers as a table, the identity first with what becomes of it, and what every browser says last. */
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
  return el('tr', { class: tone }, el('th', { scope: 'row', text: spelled[name] || name }), shown)
}

function drawStep(step, number, open) {
  const parts = (step.parts || []).filter(([, content]) => content)
  const line = drawLine(step)
  if (!parts.length) return el('div', { class: 'step' }, line)
  const shown = parts.flatMap(([title, content]) => [title && el('h4', { text: title }), content instanceof Node ? content : code(content)].filter(Boolean))
  return el('details', { class: 'step', 'data-step': number, open }, el('summary', {}, line), el('div', { class: 'detail' }, ...shown))
}

function drawLine({ from, to, tone, label }) {
  const lanes = t('to', t('lane' + from), t('lane' + to))
  const arrow = el('span', { class: `arrow from-${from} to-${to}`, 'aria-hidden': 'true' })
  const start = `label at-${Math.min(from, to)}`
  return el('span', { class: `line tone-${tone}` }, el('span', { class: start }, el('span', { class: 'hidden', text: lanes }), label), arrow)
}

function showMessages({ messages, tail }) {
  if (!messages) return
  const shown = messages.last.map(message => drawStep(message))
  if (messages.earlier) shown.unshift(el('p', { class: 'earlier', text: t('moreMessages', messages.earlier) }))
  tail.replaceChildren(...shown)
}
