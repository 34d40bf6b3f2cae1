// The sequence diagrams: the calls of each click as one group, the last click on top.
import { byId, code, el, parse } from './dom.mjs'
import { clock, t } from './i18n.mjs'
import { BACKEND, headerOf, nameOf, PHONE, stepsOf } from './steps.mjs'
import * as store from './store.mjs'
import { clickOf } from './wx.mjs'

/** Maximum number of groups on the page. */
const maxGroups = 100

/** Maximum number of messages of a WebSocket or stream that are shown with its call. */
const maxMessages = 4

/** Groups by key, the oldest first: the calls of a click, or one call of another client. */
const groups = new Map()

/** Calls by number. */
const calls = new Map()

/** Adds an event of the server to its call, and shows the call. */
export function addEvent({ call: number, kind, time, detail }) {
  const call = callOf(number, detail, time)
  apply[kind](call, detail)
  show(call.parent || call)
}

/** The messages of the page's WebSockets and streams by request id; they may arrive before the server's event of the call. */
const messagesByID = new Map()

function messagesOf(requestID) {
  if (!messagesByID.has(requestID)) messagesByID.set(requestID, { earlier: 0, last: [] })
  return messagesByID.get(requestID)
}

/** Adds a message of a WebSocket or a stream of this page. */
export function addMessage({ id, out, text }) {
  const messages = messagesOf(id)
  messages.last.push({ from: out ? PHONE : BACKEND, to: out ? BACKEND : PHONE, label: text.trim(), tone: out ? 'phone' : 'backend' })
  if (messages.last.length > maxMessages) {
    messages.last.shift()
    messages.earlier++
  }
  const call = [...calls.values()].find(call => call.messages === messages)
  if (call) showMessages(call)
}

export function clear() {
  groups.clear()
  calls.clear()
  messagesByID.clear()
  byId('groups').replaceChildren()
  showEmpty()
}

/** Shows everything again after a change of the language. */
export function showAll() {
  for (const group of groups.values()) group.calls.forEach(show)
  showEmpty()
}

function showEmpty() {
  byId('empty').hidden = groups.size > 0
}

let standalone = 0

function callOf(number, detail, time) {
  // An event without a call, such as a token fetched for a script, is shown separately.
  const key = number || --standalone
  if (!calls.has(key)) calls.set(key, newCall(key, detail, time))
  return calls.get(key)
}

function newCall(number, detail, time) {
  const call = { number, time, parts: [], node: el('div', { class: 'call' }), tail: el('div', { class: 'steps' }) }
  const parent = calls.get(detail.push_of)
  if (parent) {
    call.parent = parent
    parent.children = [...(parent.children || []), call]
    return call
  }
  call.group = groupOf(detail, time, number)
  call.group.calls.push(call)
  call.group.node.append(call.node)
  return call
}

/** The group of the click that caused a call. A web page's WebSockets and streams name no click: they belong to its opening. */
function groupOf(detail, time, number) {
  const click = clickOf(detail.request_id) || (detail.web_page && lastOpening()) || { key: 'call ' + number }
  if (!groups.has(click.key)) addGroup(click, time)
  return groups.get(click.key)
}

const lastOpening = () => [...groups.values()].findLast(({ name }) => name === 'openPage' || name === 'openTab')

function addGroup({ key, name, isOwn }, time) {
  const group = { key, name, isOwn, time, calls: [], head: el('h3'), node: el('li') }
  group.node.append(group.head)
  groups.set(key, group)
  byId('groups').prepend(group.node)
  if (isOwn) scrollIntoView(group.node)
  if (groups.size > maxGroups) removeOldest()
  showEmpty()
}

/** Scrolls to the result of the last click. */
function scrollIntoView(node) {
  requestAnimationFrame(() => node.scrollIntoView({ block: 'nearest', behavior: 'instant' }))
}

function removeOldest() {
  const [key, { node, calls: old }] = groups.entries().next().value
  groups.delete(key)
  for (const { number, request, children = [] } of old) {
    for (const child of children) calls.delete(child.number)
    calls.delete(number)
    if (request) messagesByID.delete(request.request_id)
  }
  node.remove()
}

/** Functions by kind of event that add its detail to a call. */
const apply = {
  request(call, request) {
    call.request = request
    call.messages = messagesOf(request.request_id)
  },
  wechat(call, asked) {
    call.parts.push({ wechat: asked })
  },
  backend(call, received) {
    call.parts.push({ backend: received })
  },
  response(call, response) {
    call.response = response
    if (call.request && call.request.path === '/sim/code' && response.status === 200) {
      store.setName(parse(response.body).openid, parse(response.request_body).user)
    }
  },
  store(call, snapshot) {
    call.stored = store.add(snapshot)
  },
  admin(call, admin) {
    call.admin = admin
  },
  fault(call, fault) {
    call.fault = fault
  },
}

function show(call) {
  showGroup(call.group)
  showCall(call)
}

function showCall(call) {
  const { node, fault } = call
  if (fault) return node.replaceChildren(el('p', { class: 'note', text: t(fault.on ? 'faultOn' : 'faultOff')[fault.name] }))
  const open = new Set([...node.querySelectorAll('details[open]')].map(step => step.dataset.step))
  const steps = stepsOf(call).map((step, i) => drawStep(step, String(i), open.has(String(i))))
  const head = isAlone(call) ? [] : [el('h4', {}, ...summaryOf(call))]
  node.replaceChildren(...head, el('div', { class: 'steps' }, ...steps), call.tail)
  showMessages(call)
}

/** The calls of a group without notes about switches. */
const shownCalls = ({ calls: all }) => all.filter(({ fault }) => !fault)

/** The name of a single call is in its group's head. */
const isAlone = ({ group }) => shownCalls(group).length === 1

function showGroup(group) {
  const { head, name, time } = group
  const known = shownCalls(group)
  const label = name ? t(name) : undefined
  const title = typeof label === 'string' ? label : name || t('fromElsewhere')
  const alone = known.length === 1 ? summaryOf(known[0]) : []
  const count = known.length > 1 ? [t('calls', known.length)] : []
  head.replaceChildren(el('span', { class: name ? 'title' : 'tag', text: title }), ...alone, el('span', { class: 'when', text: [...count, clock(time)].join(' · ') }))
  // When a group gets its second call, the first one gets its own head.
  if (known.length === 2 && !known[0].node.querySelector('h4')) showCall(known[0])
}

/** A call's name, status, error and duration. */
function summaryOf(call) {
  const { request, response, admin, children = [] } = call
  const summary = [el('code', { text: nameOf(call) })]
  const { status } = response || admin || {}
  if (status) summary.push(el('span', { class: `status ${status >= 400 ? 'error' : 'good'}`, text: String(status) }))
  else if (request) summary.push(el('span', { class: 'status waiting', text: t('waiting') }))
  const fault = response && headerOf(response.header, 'X-Gateway-Error')
  if (fault) summary.push(el('span', { class: 'status error', text: fault }))
  if (request && request.web_page) summary.push(el('span', { class: 'tag', text: t('webPage') }))
  for (const child of children) if (child.response && child.response.status >= 400) summary.push(el('span', { class: 'status error', text: String(child.response.status) }))
  if (response) summary.push(el('span', { class: 'took', text: t('took', (response.took_us / 1000).toFixed(response.took_us < 10000 ? 1 : 0)) }))
  return summary
}

function drawStep(step, number, open) {
  const parts = (step.parts || []).filter(([, content]) => content)
  const line = drawLine(step)
  if (!parts.length) return el('div', { class: 'step' }, line)
  const shown = parts.flatMap(([title, content]) => [title && el('h5', { text: title }), content instanceof Node ? content : code(content)].filter(Boolean))
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
