import { errorCode, retryAfter } from './answer'
import type { Result } from './platform'

/** How often one call is sent while the gateway asks for patience. */
const maxTries = 3
/** Milliseconds that a user may be kept waiting for one more try; a longer Retry-After is the caller's to judge. */
const maxWait = 10000

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** Milliseconds before try number `tries`+1 of a call that got no answer, or undefined: give up. */
export function backoff(tries: number): number | undefined {
  return tries < maxTries ? spread(500 * tries) : undefined
}

/**
 * Milliseconds before try number `tries`+1 of a call that got `result`, or undefined: hand it over.
 *
 * A 429 or 503 of the gateway's own never reached the backend, so any call may be sent again. One of the backend's own
 * is repeated only where it says when and the call is `safe` to repeat.
 */
export function patience(result: Result, safe: boolean, tries: number): number | undefined {
  if (tries >= maxTries || (result.statusCode !== 429 && result.statusCode !== 503)) return undefined
  const after = retryAfter(result)
  const untouched = /^(?!upstream_)./.test(errorCode(result))
  if (!untouched && !(safe && after !== undefined)) return undefined
  const wait = after === undefined ? 1000 : after
  return wait <= maxWait ? spread(wait) : undefined
}

/** Never earlier than asked, and not all at the same moment. */
function spread(ms: number): number {
  return ms + Math.random() * (500 + ms / 2)
}
