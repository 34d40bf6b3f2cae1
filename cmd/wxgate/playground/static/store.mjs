// A user's data in Redis, and its changes.
import { byId, el } from './dom.mjs'
import { clock, duration, meaning, t } from './i18n.mjs'

/** The user's name by openid, from wx.login. */
const names = new Map()

/** The last snapshot by openid. */
const latest = new Map()

export function setName(openid, name) {
  names.set(openid, name)
}

/** Removes all data, when another wxgate dev runs. */
export function clearStore() {
  names.clear()
  latest.clear()
}

/** Stores a snapshot, and returns it with the differences to the previous one. */
export function add(snapshot) {
  const previous = latest.get(snapshot.openid)
  const old = new Map(((previous && previous.entries) || []).map(entry => [entry.key, entry]))
  latest.set(snapshot.openid, snapshot)
  const entries = snapshot.entries || []
  const gone = [...old.keys()].filter(key => !entries.some(entry => entry.key === key))
  return { gone, entries: entries.map(entry => ({ ...entry, isNew: !old.has(entry.key), ...differences(entry, old.get(entry.key)) })) }
}

/** The names of the fields that are new or have another value, and the sessions that were started and ended. */
function differences(entry, previous = { fields: [] }) {
  const values = new Map(previous.fields.map(field => [field.name, field.value]))
  const changed = entry.fields.filter(field => values.get(field.name) !== field.value).map(field => field.name)
  const [then, now] = [sessionsIn(previous.fields), sessionsIn(entry.fields)]
  return { changed, started: now.filter(id => !then.includes(id)), ended: then.filter(id => !now.includes(id)) }
}

/** The session ids in the names of these fields: a name is a session id and a letter. */
const sessionsIn = fields => [...new Set(fields.map(({ name }) => (/^(\S{22}) /.exec(name) || [])[1]).filter(Boolean))]

/** A short text for the changes. */
export function summary({ entries, gone }) {
  const words = [...entries.flatMap(wordsOf), ...gone.map(key => `− ${kindOf(key)}`)]
  return t('stored', entries.length, [...new Set(words)].join(', '))
}

function wordsOf({ key, isNew, fields, changed, started, ended }) {
  if (isNew) return [`+ ${kindOf(key)}`]
  const ofOld = fields.filter(({ name }) => changed.includes(name) && !started.includes(name.slice(0, 22)))
  return [
    ...started.map(id => `+ ${t(fields.some(({ name }) => name === id + ' w') ? 'newWebSession' : 'newSession')}`),
    ...ofOld.map(({ name, meaning: text }) => t('short')[name.slice(23)] || meaning(text)),
    ...ended.map(() => `− ${t('endedSession')}`),
  ]
}

/** The kind of a key: a user, a session, a cookie jar or an access token. */
const kindOf = key => t('kind')[shortKey(key)[0]] || shortKey(key)

/** A key without its prefix and most of its ids. */
export const shortKey = key => key.replace(/^.*?:(?=[a-z]:)/, '').replace(/[A-Za-z0-9_-]{22}/g, id => id.slice(0, 4) + '…')

/** The keys as tables. */
export function keysOf({ entries, gone = [] }) {
  return [...entries.map(keyTable), ...gone.map(key => keyHead(key, 'key gone', [t('gone')]))]
}

function keyTable({ key, type, ttl_ns, isNew, changed = [], fields }) {
  const tags = [type, ttl_ns ? t('expires', duration(ttl_ns / 1e9)) : t('kept')]
  if (isNew) tags.push(t('isNew'))
  const shown = keyHead(key, isNew ? 'key changed' : 'key', tags)
  shown.append(el('table', {}, ...fields.map(field => row(field, !isNew && changed.includes(field.name)))))
  return shown
}

function keyHead(key, tone, tags) {
  return el('div', { class: tone }, el('p', {}, el('code', { text: key }), ...tags.flatMap(text => [' ', el('span', { class: 'tag', text })])))
}

function row({ name, meaning: text, value }, changed) {
  const sealed = value.match(/^sealed \((\d+) bytes\)$/)
  const shown = el('td', {}, el('span', { class: sealed ? 'sealed' : undefined, text: sealed ? t('sealed', sealed[1]) : readable(value) }))
  if (changed) shown.append(' ', el('span', { class: 'mark', text: '●', title: t('changed'), 'aria-label': t('changed'), role: 'img' }))
  const cells = [el('td', {}, el('code', { text: shortKey(name) })), el('th', { scope: 'row', text: meaning(text) }), shown]
  return el('tr', { class: changed ? 'changed' : undefined }, ...cells)
}

/** A value with its times in the reader's own zone. */
function readable(value) {
  return value.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, text => {
    const time = new Date(text)
    return `${time.toLocaleDateString('sv')} ${clock(time)}`
  })
}

/** Shows the data in Redis of the chosen user. */
export function showStore(user) {
  const snapshot = [...latest.values()].findLast(({ openid }) => names.get(openid) === user)
  const entries = (snapshot && snapshot.entries) || []
  byId('store-title').textContent = entries.length ? t('storeTitle', entries.length, user) : t('storeEmpty', user)
  byId('store-keys').replaceChildren(...keysOf({ entries }))
}
