import { errorCode, retryAfter } from './response'
import type { Result } from './platform'

/** How often one call is sent while the gateway answers 429 or 503. */
const maxTries = 3
/** Milliseconds that a user waits for one more try; an answer with a longer Retry-After is returned to the caller. */
const maxWait = 10000

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** Milliseconds before try number `tries`+1 of a call that got no answer, or undefined: no more tries. */
export function backoff(tries: number): number | undefined {
  return tries < maxTries ? withJitter(500 * tries) : undefined
}

/**
 * Milliseconds before try number `tries`+1 of a call that got `result`, or undefined: return it to the caller.
 *
 * A 429 or 503 that the gateway made never reached the backend, so any call may be sent again. One that the backend made
 * is repeated only where it says when and the call is `safe` to repeat.
 */
export function retryDelay(result: Result, safe: boolean, tries: number): number | undefined {
  if (tries >= maxTries || !/429|503/.test(result.statusCode as any)) return undefined
  const after = retryAfter(result)
  const unforwarded = /^(?!upstream_)./.test(errorCode(result))
  if (!unforwarded && !(safe && after !== undefined)) return undefined
  const wait = after === undefined ? 1000 : after
  return wait <= maxWait ? withJitter(wait) : undefined
}

/** Never earlier than asked, and not all at the same moment. */
function withJitter(ms: number): number {
  return ms + Math.random() * (500 + ms / 2)
}
