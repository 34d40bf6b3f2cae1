import { call, type Result } from './platform'
import { dataOf, errorCode } from './response'
import { backoff, retryDelay, sleep } from './retry'
import { sharedState } from './singleflight'
import type { GatewayError, LoginResponse, Platform } from './types'

/** Sends a request to one of the gateway's own endpoints. */
export type CallEndpoint = (path: string, header: object, data?: any, method?: string) => Promise<Result>

/** Returns a function that logs in with WeChat. Until a Retry-After of the gateway has passed, it fails without a request. */
export function newLogin(platform: Platform, callEndpoint: CallEndpoint, appid?: string): (phoneCode?: string) => Promise<LoginResponse> {
  let pausedUntil = 0
  let lastError: unknown

  /** Exchanges a code for a session. With the Idempotency-Key it can be sent again if the response is lost. */
  async function exchangeCode(phone_code?: string): Promise<LoginResponse> {
    const data = { code: await loginCode(platform), appid, phone_code }
    const header = { 'Idempotency-Key': idempotencyKey() }
    return dataOf('login', await sendWithRetries(() => callEndpoint('/login', header, data)))
  }

  return async phoneCode => {
    if (pausedUntil > Date.now()) throw lastError
    try {
      return await exchangeCode(phoneCode).catch(error => {
        if (error.code !== 'invalid_code') throw error
        return exchangeCode(phoneCode)
      })
    } catch (error) {
      lastError = error
      pausedUntil = Date.now() + ((error as GatewayError).retryAfter || 0)
      throw error
    }
  }
}

/** Sends until there is a response that needs no retry, or the attempts are used up. Only for requests that may be sent twice. */
export async function sendWithRetries(send: () => Promise<Result>): Promise<Result> {
  for (let attempts = 1; ; attempts++) {
    let failure: unknown
    const result = await send().catch(error => void (failure = error))
    const wait = result && !isProxyError(result) ? retryDelay(result, true, attempts) : backoff(attempts)
    if (wait !== undefined) await sleep(wait)
    else if (result) return result
    else throw failure
  }
}

/** An error of a proxy in front of the gateway: the gateway may have processed the request. */
function isProxyError(result: Result): boolean {
  return /50[24]/.test(result.statusCode as any) && !errorCode(result)
}

/** A code of wx.login. WeChat limits these calls, so there is at most one per second. */
async function loginCode(platform: Platform): Promise<string> {
  const shared = sharedState(platform)
  const now = Date.now()
  const start = Math.max(now, Math.min((shared.login || 0) + 1000, now + 1000))
  shared.login = start
  if (start > now) await sleep(start - now)
  return (await call(platform, 'login', { timeout: 10000 })).code
}

/** Identifies one login. It needn't be secret, since the code is; mini programs have no synchronous source of secure random numbers. */
function idempotencyKey(): string {
  let text = ''
  while (text.length < 32) text += ((Math.random() * 16) | 0).toString(16)
  return text
}
