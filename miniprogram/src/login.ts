import { call, type Result } from './platform'
import { dataOf, errorCode } from './response'
import { backoff, retryDelay, sleep } from './retry'
import { sharedState } from './singleflight'
import type { GatewayError, LoginAnswer, Platform } from './types'

/** Sends a request to one of the gateway's own endpoints. */
export type Ask = (path: string, header: object, data?: any, method?: string) => Promise<Result>

/** Returns what logs in with WeChat. Until a Retry-After of the gateway is over, it fails without asking again. */
export function newLogin(platform: Platform, ask: Ask, appid?: string): (phoneCode?: string) => Promise<LoginAnswer> {
  let pausedUntil = 0
  let lastError: unknown

  /** Exchanges a code for a session. Its Idempotency-Key allows that to be sent again if the answer is lost on the way. */
  async function exchangeCode(phone_code?: string): Promise<LoginAnswer> {
    const data = { code: await loginCode(platform), appid, phone_code }
    const header = { 'Idempotency-Key': idempotencyKey() }
    return dataOf('login', await sendWithRetries(() => ask('/login', header, data)))
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

/** Sends until there is an answer that waiting won't better. Only for what may be sent twice. */
export async function sendWithRetries(send: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    let failure: unknown
    const result = await send().catch(error => void (failure = error))
    const wait = result && !isProxyError(result) ? retryDelay(result, true, tries) : backoff(tries)
    if (wait !== undefined) await sleep(wait)
    else if (result) return result
    else throw failure
  }
}

/** An error of a proxy between: the gateway may have answered. */
function isProxyError(result: Result): boolean {
  return /50[24]/.test(result.statusCode as any) && !errorCode(result)
}

/** A code of wx.login, which WeChat limits: at most one call a second. */
async function loginCode(platform: Platform): Promise<string> {
  const shared = sharedState(platform)
  const now = Date.now()
  const start = Math.max(now, Math.min((shared.login || 0) + 1000, now + 1000))
  shared.login = start
  if (start > now) await sleep(start - now)
  return (await call(platform, 'login', { timeout: 10000 })).code
}

/** Tells one login from another. No secret (the code beside it is), and mini programs have no better source that answers at once. */
function idempotencyKey(): string {
  let text = ''
  while (text.length < 32) text += ((Math.random() * 16) | 0).toString(16)
  return text
}
