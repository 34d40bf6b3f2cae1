// The sequence: the calls of each click together, as a diagram, the last click on top.
import { byId, code, el, parse } from './dom.mjs'
import { clock, t } from './i18n.mjs'
import { BACKEND, headerOf, nameOf, PHONE, stepsOf } from './steps.mjs'
import * as store from './store.mjs'
import { clickOf } from './wx.mjs'

/** How many groups stay on the page. */
const most = 100

/** How many messages of a socket or stream are shown with its call. */
const mostMessages = 4

/** Groups by key, the oldest first: the calls of a click, or one call from elsewhere. */
const groups = new Map()

/** Calls by number. */
const calls = new Map()

/** Takes an event of the server's in, and shows it. */
export function take({ call: number, kind, time, detail }) {
  const call = callOf(number, detail, time)
  learn[kind](call, detail)
  show(call.parent || call)
}

/** What has passed on the page's sockets and streams, by request id: it may be there before the server's event of the call. */
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
  groups.clear()
  calls.clear()
  passed.clear()
  byId('groups').replaceChildren()
  showEmpty()
}

/** Shows all again, in another language. */
export function showAll() {
  for (const group of groups.values()) group.calls.forEach(show)
  showEmpty()
}

function showEmpty() {
  byId('empty').hidden = groups.size > 0
}

let unowned = 0

function callOf(number, detail, time) {
  // What belongs to no call, such as a token fetched for a script, is shown by itself.
  const key = number || --unowned
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

/** The group of the click that a call came from. A web page's sockets and streams say no click: they are of its opening. */
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
  if (isOwn) reveal(group.node)
  if (groups.size > most) forgetOldest()
  showEmpty()
}

/** Brings what the last click did into view. */
function reveal(node) {
  requestAnimationFrame(() => node.scrollIntoView({ block: 'nearest', behavior: 'instant' }))
}

function forgetOldest() {
  const [key, { node, calls: old }] = groups.entries().next().value
  groups.delete(key)
  for (const { number, request, children = [] } of old) {
    for (const child of children) calls.delete(child.number)
    calls.delete(number)
    if (request) passed.delete(request.request_id)
  }
  node.remove()
}

/** What each kind of event adds to a call. */
const learn = {
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
  answer(call, answer) {
    call.answer = answer
    if (call.request && call.request.path === '/sim/code' && answer.status === 200) {
      store.learnName(parse(answer.body).openid, parse(answer.request_body).user)
    }
  },
  store(call, snapshot) {
    call.stored = store.take(snapshot)
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
  if (fault) return node.replaceChildren(el('p', { class: 'note', text: t(fault.on ? 'breaks' : 'mends')[fault.name] }))
  const open = new Set([...node.querySelectorAll('details[open]')].map(step => step.dataset.step))
  const steps = stepsOf(call).map((step, i) => drawStep(step, String(i), open.has(String(i))))
  const head = isAlone(call) ? [] : [el('h4', {}, ...factsOf(call))]
  node.replaceChildren(...head, el('div', { class: 'steps' }, ...steps), call.tail)
  showMessages(call)
}

/** The calls that are not mere notes. */
const drawn = ({ calls: all }) => all.filter(({ fault }) => !fault)

/** A call that is alone in its group has its name in the group's head. */
const isAlone = ({ group }) => drawn(group).length === 1

function showGroup(group) {
  const { head, name, time } = group
  const known = drawn(group)
  const label = name ? t(name) : undefined
  const title = typeof label === 'string' ? label : name || t('fromElsewhere')
  const alone = known.length === 1 ? factsOf(known[0]) : []
  const count = known.length > 1 ? [t('calls', known.length)] : []
  head.replaceChildren(el('span', { class: name ? 'title' : 'tag', text: title }), ...alone, el('span', { class: 'when', text: [...count, clock(time)].join(' · ') }))
  // The second call of a group gives the first a head of its own.
  if (known.length === 2 && !known[0].node.querySelector('h4')) showCall(known[0])
}

/** A call's name, what came of it and how long it took. */
function factsOf(call) {
  const { request, answer, admin, children = [] } = call
  const facts = [el('code', { text: nameOf(call) })]
  const { status } = answer || admin || {}
  if (status) facts.push(el('span', { class: `status ${status >= 400 ? 'error' : 'good'}`, text: String(status) }))
  else if (request) facts.push(el('span', { class: 'status waiting', text: t('waiting') }))
  const fault = answer && headerOf(answer.header, 'X-Gateway-Error')
  if (fault) facts.push(el('span', { class: 'status error', text: fault }))
  if (request && request.web_page) facts.push(el('span', { class: 'tag', text: t('webPage') }))
  for (const child of children) if (child.answer && child.answer.status >= 400) facts.push(el('span', { class: 'status error', text: String(child.answer.status) }))
  if (answer) facts.push(el('span', { class: 'took', text: t('took', (answer.took_us / 1000).toFixed(answer.took_us < 10000 ? 1 : 0)) }))
  return facts
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
