import { newLogin, sendWithRetries, type Ask } from './login'
import { call, ignore, type Result } from './platform'
import { dataOf, errorCode, isAuthError, retryAfter } from './response'
import { sharedState, singleFlight, whenIdle } from './singleflight'
import { fromAnswer, isUnexpired, newStore, renewed, type StoredToken } from './store'
import type { GatewayOptions, LoginAnswer, Platform } from './types'

/** Milliseconds for one try of the SDK's own requests: three of a login fit into the 60 s in which the gateway repeats its answer. */
const timeout = 15000
/** Milliseconds before a renewal that failed is tried again. */
const renewalPause = 30000

/** The user's session: one token, obtained, stored, renewed and dropped. */
export interface Session {
  /** A token to send: the current one or, if there is none, that of a new login. `since` as with logIn. */
  currentToken(since?: number): Promise<string>
  /**
   * Logs in with WeChat. Any number of callers, also by other gateways over the same storage, share one login. Fails where
   * logout was called after `since`. `prefetched` is the answer of a login that WeChat made ahead of the start.
   */
  logIn(phoneCode?: string, since?: number, prefetched?: LoginAnswer): Promise<LoginAnswer>
  /** Waits for the renewal, if one is due. */
  renewIfDue(): Promise<void>
  /** Whether the token came straight from a login, so that another login can hardly do better. */
  isFromLogin(token: string): boolean
  /** Stores the fresh token that came with the answer to a request under `sent`, unless that session is over by now. */
  replaceToken(sent: string, fresh: string): void
  /** Drops a token that the gateway has refused. */
  dropToken(token: string): void
  /**
   * Ends the session here, in any case, and at the gateway; a promise that fails says that the gateway doesn't know.
   * `everywhere` is what needs a session even if there is none here.
   */
  logout(body: object, everywhere?: boolean): Promise<void>
  /** How often logout was called, by any gateway over the same storage. */
  logouts(): number
  /** The gateway's answer to a request that only checks the token; without a header if there was none. */
  checkToken(token: string): Promise<Pick<Result, 'header'>>
}

/** `auth` is the URL of the gateway's own endpoints, `key` the name under which the token is stored. */
export function newSession(auth: string, key: string, platform: Platform, options: GatewayOptions): Session {
  const { onNewUser, storage = platform } = options
  const store = newStore(storage, key)
  const shared = sharedState(storage)
  const ended = key + ' logouts'
  const ask: Ask = (path, header, data, method = 'POST') =>
    call(platform, 'request', { url: auth + path, method, data, header, timeout })
  const exchangeCode = newLogin(platform, ask, options.appid)
  let own: StoredToken | undefined
  let lastLogin = ''
  let nextRenewal = 0

  function save(next: StoredToken): void {
    own = next
    store.save(next)
  }

  /** The stored token, if another page has renewed it meanwhile, else one's own. */
  function reload(): StoredToken | undefined {
    const mine = isUnexpired(own) ? own : undefined
    const stored = store.load()
    own = isUnexpired(stored) && !(mine && mine.expires >= stored.expires) ? stored : mine
    return own
  }

  function current(): StoredToken | undefined {
    return isUnexpired(own) ? own : reload()
  }

  async function logInAndSave(phoneCode?: string, prefetched?: LoginAnswer): Promise<LoginAnswer> {
    const answer = prefetched || (await exchangeCode(phoneCode))
    save(fromAnswer(answer))
    // On its own: an error of the caller's code must not fail the login.
    if (answer.is_new_user && onNewUser) Promise.resolve(answer).then(onNewUser)
    return answer
  }

  async function logIn(phoneCode?: string, since = logouts(), prefetched?: LoginAnswer): Promise<LoginAnswer> {
    if (since !== logouts()) throw { errMsg: 'login:fail logged out' }
    const answer = await singleFlight(shared, key, () => logInAndSave(phoneCode, prefetched), !!phoneCode)
    own = fromAnswer(answer)
    lastLogin = own.token
    return answer
  }

  function isDue({ expires, life }: StoredToken): boolean {
    const now = Date.now()
    return expires - now < life / 10 && now >= nextRenewal
  }

  /** Changes the token for a fresh one. If that fails, the old one stays in use, and the calls find out what is wrong. */
  async function renew(): Promise<void> {
    const old = reload()
    if (!old || !isDue(old)) return
    nextRenewal = Date.now() + renewalPause
    const result = await ask('/refresh', bearer(old.token))
    nextRenewal = Date.now() + Math.max(renewalPause, retryAfter(result) || 0)
    const next = fromAnswer(dataOf('refresh', result))
    nextRenewal = 0
    if (own && own.token === old.token) save(next)
  }

  const logouts = () => shared[ended] || 0

  function renewIfDue(): Promise<void> {
    return singleFlight(shared, key + ' renewal', renew).catch(ignore)
  }

  return {
    logIn,
    renewIfDue,
    async currentToken(since) {
      const now = current()
      if (!now) return (await logIn('', since)).token
      if (isDue(now)) renewIfDue()
      return now.token
    },
    isFromLogin: token => token === lastLogin,
    replaceToken(sent, fresh) {
      if (fresh && own && own.token === sent) save(renewed(own, fresh))
    },
    dropToken(token) {
      const stored = store.load()
      if (stored && stored.token === token) store.drop()
      if (own && own.token === token) own = undefined
    },
    logouts,
    async logout(body, everywhere) {
      shared[ended] = logouts() + 1
      await whenIdle(shared, key)
      const now = current()
      const token = now ? now.token : everywhere ? (await logIn()).token : ''
      own = undefined
      store.drop()
      if (!token) return
      const result = await sendWithRetries(() => ask('/logout', bearer(token), body))
      if (!isAuthError(errorCode(result))) dataOf('logout', result)
    },
    checkToken: token => ask('/session', bearer(token), undefined, 'GET').catch(() => ({})),
  }
}

export function bearer(token: string): { Authorization: string } {
  return { Authorization: 'Bearer ' + token }
}
