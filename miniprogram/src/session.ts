import { newLogin, sendWithRetries, type CallEndpoint } from './login'
import { call, ignore, type Result } from './platform'
import { dataOf, errorCode, isAuthError, retryAfter } from './response'
import { sharedState, singleFlight, whenIdle } from './singleflight'
import { tokenOf, isUnexpired, newStore, renewed, type StoredToken } from './store'
import type { GatewayOptions, LoginResponse, Platform } from './types'

/** Milliseconds for one attempt of the SDK's own requests. Three attempts of a login fit into the 60 s in which the gateway repeats its response. */
const timeout = 15000
/** Milliseconds between a failed renewal and the next attempt. */
const renewalPause = 30000

/** The user's session: one token, obtained, stored, renewed and dropped. */
export interface Session {
  /** The token to send: the current one or, if there is none, that of a new login. `since` as for logIn. */
  currentToken(since?: number): Promise<string>
  /**
   * Logs in with WeChat. Concurrent callers, also of other gateways with the same storage, share one login. Fails if
   * logout was called after `since`, a number of logouts. `prefetched` is the response of a login pre-fetched by WeChat.
   */
  logIn(phoneCode?: string, since?: number, prefetched?: LoginResponse): Promise<LoginResponse>
  /** Waits for the renewal, if one is due. */
  renewIfDue(): Promise<void>
  /** Whether this is the token of the last login. */
  isFromLogin(token: string): boolean
  /** Stores the new token of a response to a request with the token `sent`, unless that token was replaced or dropped meanwhile. */
  replaceToken(sent: string, fresh: string): void
  /** Drops a token that the gateway has refused. */
  dropToken(token: string): void
  /**
   * Ends the session on this device and at the gateway. If the promise rejects, it has ended only on this device.
   * With `everywhere` it logs in first if there is no session, since the gateway then has more to do than to end this one.
   */
  logout(body: object, everywhere?: boolean): Promise<void>
  /** The number of logouts so far, of all gateways with the same storage. */
  logouts(): number
  /** The gateway's response to a request that only checks the token; without header if there was no response. */
  checkToken(token: string): Promise<Pick<Result, 'header'>>
}

/** `auth` is the URL of the gateway's own endpoints, `key` the name under which the token is stored. */
export function newSession(auth: string, key: string, platform: Platform, options: GatewayOptions): Session {
  const { onNewUser, storage = platform } = options
  const store = newStore(storage, key)
  const shared = sharedState(storage)
  const logoutsKey = key + ' logouts'
  const callEndpoint: CallEndpoint = (path, header, data, method = 'POST') =>
    call(platform, 'request', { url: auth + path, method, data, header, timeout })
  const exchangeCode = newLogin(platform, callEndpoint, options.appid)
  /** The token in this page's memory. */
  let inMemory: StoredToken | undefined
  let lastLogin = ''
  let nextRenewal = 0

  function save(next: StoredToken): void {
    inMemory = next
    store.save(next)
  }

  /** The stored token if another page has renewed it meanwhile, else the one in memory. */
  function reload(): StoredToken | undefined {
    const known = isUnexpired(inMemory) ? inMemory : undefined
    const stored = store.load()
    inMemory = isUnexpired(stored) && !(known && known.expires >= stored.expires) ? stored : known
    return inMemory
  }

  function current(): StoredToken | undefined {
    return isUnexpired(inMemory) ? inMemory : reload()
  }

  async function logInAndSave(phoneCode?: string, prefetched?: LoginResponse): Promise<LoginResponse> {
    const response = prefetched || (await exchangeCode(phoneCode))
    save(tokenOf(response))
    // In a separate promise: an error in the caller's code must not fail the login.
    if (response.is_new_user && onNewUser) Promise.resolve(response).then(onNewUser)
    return response
  }

  async function logIn(phoneCode?: string, since = logouts(), prefetched?: LoginResponse): Promise<LoginResponse> {
    if (since !== logouts()) throw { errMsg: 'login:fail logged out' }
    const response = await singleFlight(shared, key, () => logInAndSave(phoneCode, prefetched), !!phoneCode)
    inMemory = tokenOf(response)
    lastLogin = inMemory.token
    return response
  }

  function isDue({ expires, life }: StoredToken): boolean {
    const now = Date.now()
    return expires - now < life / 10 && now >= nextRenewal
  }

  /** Replaces the token with a new one. If that fails, the old one stays in use, and the calls handle the gateway's errors. */
  async function renew(): Promise<void> {
    const old = reload()
    if (!old || !isDue(old)) return
    nextRenewal = Date.now() + renewalPause
    const result = await callEndpoint('/refresh', bearer(old.token))
    nextRenewal = Date.now() + Math.max(renewalPause, retryAfter(result) || 0)
    const next = tokenOf(dataOf('refresh', result))
    nextRenewal = 0
    if (inMemory && inMemory.token === old.token) save(next)
  }

  const logouts = () => shared[logoutsKey] || 0

  function renewIfDue(): Promise<void> {
    return singleFlight(shared, key + ' renewal', renew).catch(ignore)
  }

  return {
    logIn,
    renewIfDue,
    async currentToken(since) {
      const stored = current()
      if (!stored) return (await logIn('', since)).token
      if (isDue(stored)) renewIfDue()
      return stored.token
    },
    isFromLogin: token => token === lastLogin,
    replaceToken(sent, fresh) {
      if (fresh && inMemory && inMemory.token === sent) save(renewed(inMemory, fresh))
    },
    dropToken(token) {
      const stored = store.load()
      if (stored && stored.token === token) store.drop()
      if (inMemory && inMemory.token === token) inMemory = undefined
    },
    logouts,
    async logout(body, everywhere) {
      shared[logoutsKey] = logouts() + 1
      await whenIdle(shared, key)
      const stored = current()
      const token = stored ? stored.token : everywhere ? (await logIn()).token : ''
      inMemory = undefined
      store.drop()
      if (!token) return
      const result = await sendWithRetries(() => callEndpoint('/logout', bearer(token), body))
      if (!isAuthError(errorCode(result))) dataOf('logout', result)
    },
    checkToken: token => callEndpoint('/session', bearer(token), undefined, 'GET').catch(() => ({})),
  }
}

export function bearer(token: string): { Authorization: string } {
  return { Authorization: 'Bearer ' + token }
}
