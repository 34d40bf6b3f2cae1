// The client of the private listener's API. The operator's token is kept only in this
// closure: not in storage, not in a URL, not in the page.
import { eventParser } from './sse.mjs'

/** An error response. */
export class Refusal extends Error {
  constructor(status, body) {
    super(body.message || `HTTP ${status}`)
    this.status = status
    this.code = body.error || ''
    this.requestID = body.request_id || ''
  }
}

export function connect(token) {
  async function send(method, path, body, signal) {
    const response = await fetch(path, {
      method, signal, cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer',
      headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
      body: body && JSON.stringify(body),
    })
    if (!response.ok) throw new Refusal(response.status, await response.json().catch(() => ({})))
    return response
  }
  return {
    /** The JSON of a response; undefined if it has no body. */
    async call(method, path, body) {
      const response = await send(method, path, body)
      return response.status === 204 ? undefined : response.json()
    },
    text: async path => (await send('GET', path)).text(),
    /** Calls onEvent for each event until the stream ends or the signal aborts it. */
    async follow(path, onEvent, signal) {
      const response = await send('GET', path, undefined, signal)
      const take = eventParser((kind, data) => onEvent(kind, JSON.parse(data)))
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) take(piece.value)
    },
  }
}

/** A template tag for paths: each value becomes one escaped segment. */
export const path = (parts, ...values) => parts.reduce((all, part, i) => all + encodeURIComponent(values[i - 1]) + part)
