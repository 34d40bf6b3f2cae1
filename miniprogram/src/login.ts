import { dataOf, errorCode } from './answer'
import type { GatewayError, LoginAnswer, Platform } from './index'
import { call, type Result } from './platform'
import { backoff, patience, sleep } from './retry'

/** Sends a request to one of the gateway's own endpoints. */
export type Ask = (method: string, path: string, data?: any, header?: object) => Promise<Result>

/** Returns what logs in with WeChat. While the gateway wants no login yet, it says so without asking again. */
export function newLogin(platform: Platform, ask: Ask, appid?: string): (phoneCode?: string) => Promise<LoginAnswer> {
  let closed: { until: number; error: GatewayError } | undefined

  /** Hands the code in. Its Idempotency-Key lets it be handed in again if the answer is lost on the way. */
  async function present(phone_code?: string): Promise<LoginAnswer> {
    const data = { code: await loginCode(platform), appid, phone_code }
    const header = { 'Idempotency-Key': nonce() }
    return dataOf('login', await persist(() => ask('POST', '/login', data, header)))
  }

  return async phoneCode => {
    if (closed && closed.until > Date.now()) throw closed.error
    try {
      return await present(phoneCode).catch(error => {
        if (error.code !== 'invalid_code') throw error
        return present(phoneCode)
      })
    } catch (error) {
      const { retryAfter } = error as GatewayError
      if (retryAfter) closed = { until: Date.now() + retryAfter, error: error as GatewayError }
      throw error
    }
  }
}

/** Sends until there is an answer that waiting won't better. Only for what may be sent twice. */
export async function persist(send: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    let failure: unknown
    const result = await send().catch(error => void (failure = error))
    const wait = result && !isLost(result) ? patience(result, true, tries) : backoff(tries)
    if (wait !== undefined) await sleep(wait)
    else if (result) return result
    else throw failure
  }
}

/** An error of something between: the gateway may have answered. */
function isLost(result: Result): boolean {
  return (result.statusCode === 502 || result.statusCode === 504) && !errorCode(result)
}

const lastLogins = new WeakMap<object, number>()

/** A code of wx.login, which WeChat limits: at most one call a second. */
async function loginCode(platform: Platform): Promise<string> {
  const now = Date.now()
  const start = Math.max(now, Math.min((lastLogins.get(platform) || 0) + 1000, now + 1000))
  lastLogins.set(platform, start)
  if (start > now) await sleep(start - now)
  return (await call(platform, 'login', { timeout: 10000 })).code
}

/** Tells one login from another. No secret (the code beside it is), and mini programs have no better source that answers at once. */
function nonce(): string {
  let text = ''
  while (text.length < 32) text += Math.floor(Math.random() * 16).toString(16)
  return text
}
