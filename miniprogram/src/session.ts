import { newLogin, sendWithRetries, type Ask } from './login'
import { call, ignore } from './platform'
import { dataOf, errorCode, isAuthError, retryAfter } from './response'
import { singleFlight, whenIdle } from './singleflight'
import { fromAnswer, isUnexpired, newStore, renewed, type StoredToken } from './store'
import type { GatewayOptions, LoginAnswer, Platform } from './types'

/** Milliseconds for one try of the SDK's own requests: three of a login fit into the 60 s in which the gateway repeats its answer. */
const timeout = 15000
/** Milliseconds before a renewal that failed is tried again. */
const renewalPause = 30000

/** The user's session: one token, obtained, stored, renewed and dropped. */
export interface Session {
  /** A token to send: the current one or, if there is none, that of a new login. */
  token(): Promise<string>
  /** Logs in with WeChat. Any number of callers, also by other gateways over the same storage, share one login. */
  login(phoneCode?: string): Promise<LoginAnswer>
  /** Waits for the renewal, if one is due. */
  renewIfDue(): Promise<void>
  /** Whether the token came straight from a login, so that another login can hardly do better. */
  isFromLogin(token: string): boolean
  /** Stores the fresh token that came with the answer to a request under `sent`, unless that session is over by now. */
  replaceToken(sent: string, fresh: string): void
  /** Drops a token that the gateway has refused. */
  dropToken(token: string): void
  /** Ends the session here, in any case, and at the gateway; a promise that fails says that the gateway doesn't know. */
  logout(all?: boolean): Promise<void>
  /** What the gateway says of the token: an error code, or '' if it is valid or the gateway can't be asked. */
  checkToken(token: string): Promise<string>
}

/** `auth` is the URL of the gateway's own endpoints, `key` the name under which the token is stored. */
export function newSession(auth: string, key: string, platform: Platform, options: GatewayOptions): Session {
  const { onNewUser, storage = platform } = options
  const store = newStore(storage, key)
  const ask: Ask = (method, path, data, header) => call(platform, 'request', { url: auth + path, method, data, header, timeout })
  const logIn = newLogin(platform, ask, options.appid)
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

  async function logInAndSave(phoneCode?: string): Promise<{ next: StoredToken; answer: LoginAnswer }> {
    const answer = await logIn(phoneCode)
    const next = fromAnswer(answer)
    save(next)
    // On its own: an error of the caller's code must not fail the login.
    if (answer.is_new_user && onNewUser) Promise.resolve(answer).then(onNewUser)
    return { next, answer }
  }

  async function login(phoneCode?: string): Promise<LoginAnswer> {
    const { next, answer } = await singleFlight(storage, key, () => logInAndSave(phoneCode), !!phoneCode)
    own = next
    lastLogin = next.token
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
    const result = await ask('POST', '/refresh', undefined, bearer(old.token))
    nextRenewal = Date.now() + Math.max(renewalPause, retryAfter(result) || 0)
    const next = fromAnswer(dataOf('refresh', result))
    nextRenewal = 0
    if (own && own.token === old.token) save(next)
  }

  function renewIfDue(): Promise<void> {
    return singleFlight(storage, key + ' renewal', renew).catch(ignore)
  }

  return {
    login,
    renewIfDue,
    async token() {
      const now = current()
      if (!now) return (await login()).token
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
    async logout(all) {
      await whenIdle(storage, key)
      const now = current()
      const token = now ? now.token : all ? (await login()).token : ''
      own = undefined
      store.drop()
      if (!token) return
      const result = await sendWithRetries(() => ask('POST', '/logout', all && { all }, bearer(token)))
      if (!isAuthError(errorCode(result))) dataOf('logout', result)
    },
    checkToken: token => ask('GET', '/session', undefined, bearer(token)).then(errorCode, () => ''),
  }
}

export function bearer(token: string): { Authorization: string } {
  return { Authorization: 'Bearer ' + token }
}
