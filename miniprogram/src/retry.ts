import { errorCode, retryAfter } from './response'
import type { Result } from './platform'

/** Attempts of one call while the gateway responds with 429 or 503. */
const maxAttempts = 3
/** Longest wait before a retry, in milliseconds; a response with a longer Retry-After is returned to the caller. */
const maxWait = 10000

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** Milliseconds until attempt number `attempts`+1 of a call that got no response; undefined: no more attempts. */
export function backoff(attempts: number): number | undefined {
  return attempts < maxAttempts ? withJitter(500 * attempts) : undefined
}

/**
 * Milliseconds until attempt number `attempts`+1 of a call that got `result`; undefined: return the result to the caller.
 *
 * If the 429 or 503 is the gateway's, the call has not reached the backend, so any call may be sent again. If it is the
 * backend's, the call is repeated only if there is a Retry-After and the call is `safe` to repeat.
 */
export function retryDelay(result: Result, safe: boolean, attempts: number): number | undefined {
  if (attempts >= maxAttempts || !/429|503/.test(result.statusCode as any)) return undefined
  const after = retryAfter(result)
  const unforwarded = /^(?!upstream_)./.test(errorCode(result))
  if (!unforwarded && !(safe && after !== undefined)) return undefined
  const wait = after === undefined ? 1000 : after
  return wait <= maxWait ? withJitter(wait) : undefined
}

/** Adds a random delay, so that clients don't all retry at the same moment; never waits less than `ms`. */
function withJitter(ms: number): number {
  return ms + Math.random() * (500 + ms / 2)
}
