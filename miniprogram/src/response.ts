import { headerOf } from './header'
import { assign, type Result } from './platform'
import type { GatewayError } from './types'

/** The gateway's error code, or '' if the response is the backend's or has no headers. The body isn't used: a backend can send any. */
export function errorCode(result: Pick<Result, 'header'>): string {
  return headerOf(result, 'x-gateway-error')
}

/** Whether the gateway refused the token, so that a login helps. */
export function isAuthError(code: string): boolean {
  return /^(token_\w+|session_ended)$/.test(code)
}

/** Retry-After in milliseconds; undefined if there is none, or if it is a date. */
export function retryAfter(result: Result): number | undefined {
  const value = headerOf(result, 'retry-after')
  return /^\d+$/.test(value) ? +value * 1000 : undefined
}

/** The data of a 2xx response; throws a GatewayError for any other. */
export function dataOf(api: string, result: Result): any {
  if (/^2/.test(result.statusCode as any)) return bodyOf(result)
  throw gatewayError(api, result)
}

function gatewayError(api: string, result: Result): GatewayError {
  const { statusCode } = result
  const { message = '', request_id } = bodyOf(result)
  const code = errorCode(result) || 'http_' + statusCode
  const errMsg = api + ':fail ' + code + ' ' + message
  return assign(new Error(errMsg), { errMsg, code, statusCode, requestId: request_id, retryAfter: retryAfter(result) })
}

function bodyOf({ data }: Result): any {
  if (typeof data !== 'string') return data || {}
  try {
    return JSON.parse(data) || {}
  } catch (e) {
    return {}
  }
}
