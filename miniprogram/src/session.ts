import { dataOf, errorCode, isRefusal, retryAfter } from './answer'
import type { GatewayOptions, LoginAnswer, Platform } from './index'
import { newLogin, persist, type Ask } from './login'
import { call, ignore } from './platform'
import { idle, share } from './share'
import { heldFrom, isAlive, newStore, renewed, type Held } from './store'

/** Milliseconds for one try of one's own requests: three of a login fit into the 60 s in which the gateway repeats its answer. */
const timeout = 15000
/** Milliseconds before a renewal that failed is tried again. */
const renewalPause = 30000

/** The user's login: one token, got, kept, renewed and given up. */
export interface Session {
  /** A token to send: the one at hand or, if it is used up, that of a new login. */
  token(): Promise<string>
  /** Logs in with WeChat. Any number of callers, also by other gateways over the same storage, share one login. */
  login(phoneCode?: string): Promise<LoginAnswer>
  /** Waits for the renewal, if one is due. */
  freshen(): Promise<void>
  /** Whether the token came straight from a login, so that another login can hardly do better. */
  isMinted(token: string): boolean
  /** Takes up the fresh token that came with the answer to a request under `sent`, unless that login is over by now. */
  adopt(sent: string, fresh: string): void
  /** The gateway no longer takes this token. */
  refuse(token: string): void
  /** Ends the session here, in any case, and at the gateway; a promise that fails says that the gateway doesn't know. */
  logout(all?: boolean): Promise<void>
  /** What the gateway says of the token: an error code, or '' if it stands or can't be asked. */
  probe(token: string): Promise<string>
}

/** `auth` is the URL of the gateway's own endpoints, `key` the name under which the token is stored. */
export function newSession(auth: string, key: string, platform: Platform, options: GatewayOptions): Session {
  const { onNewUser, storage = platform } = options
  const store = newStore(storage, key)
  const ask: Ask = (method, path, data, header) => call(platform, 'request', { url: auth + path, method, data, header, timeout })
  const exchange = newLogin(platform, ask, options.appid)
  let held: Held | undefined
  let minted = ''
  let nextRenewal = 0

  function keep(next: Held): void {
    held = next
    store.save(next)
  }

  /** The stored token, if another page has renewed it meanwhile, else one's own. */
  function reload(): Held | undefined {
    const own = isAlive(held) ? held : undefined
    const stored = store.load()
    held = isAlive(stored) && !(own && own.expires >= stored.expires) ? stored : own
    return held
  }

  function current(): Held | undefined {
    return isAlive(held) ? held : reload()
  }

  async function enter(phoneCode?: string): Promise<{ next: Held; answer: LoginAnswer }> {
    const answer = await exchange(phoneCode)
    const next = heldFrom(answer)
    keep(next)
    // On its own: an error of the caller's code must not fail the login.
    if (answer.is_new_user && onNewUser) Promise.resolve(answer).then(onNewUser)
    return { next, answer }
  }

  async function login(phoneCode?: string): Promise<LoginAnswer> {
    const { next, answer } = await share(storage, key, () => enter(phoneCode), !!phoneCode)
    held = next
    minted = next.token
    return answer
  }

  function isDue({ expires, life }: Held): boolean {
    const now = Date.now()
    return expires - now < life / 10 && now >= nextRenewal
  }

  /** Changes the token for a fresh one. If that fails, the old one serves on, and the calls find out what is wrong. */
  async function renew(): Promise<void> {
    const old = reload()
    if (!old || !isDue(old)) return
    nextRenewal = Date.now() + renewalPause
    const result = await ask('POST', '/refresh', undefined, bearer(old.token))
    nextRenewal = Date.now() + Math.max(renewalPause, retryAfter(result) || 0)
    const next = heldFrom(dataOf('refresh', result))
    nextRenewal = 0
    if (held && held.token === old.token) keep(next)
  }

  function freshen(): Promise<void> {
    return share(storage, key + ' renewal', renew).catch(ignore)
  }

  return {
    login,
    freshen,
    async token() {
      const now = current()
      if (!now) return (await login()).token
      if (isDue(now)) freshen()
      return now.token
    },
    isMinted: token => token === minted,
    adopt(sent, fresh) {
      if (fresh && held && held.token === sent) keep(renewed(held, fresh))
    },
    refuse(token) {
      const stored = store.load()
      if (stored && stored.token === token) store.drop()
      if (held && held.token === token) held = undefined
    },
    async logout(all) {
      await idle(storage, key)
      const now = current()
      const token = now ? now.token : all ? (await login()).token : ''
      held = undefined
      store.drop()
      if (!token) return
      const result = await persist(() => ask('POST', '/logout', all && { all }, bearer(token)))
      if (!isRefusal(errorCode(result))) dataOf('logout', result)
    },
    probe: token => ask('GET', '/session', undefined, bearer(token)).then(errorCode, () => ''),
  }
}

export function bearer(token: string): { Authorization: string } {
  return { Authorization: 'Bearer ' + token }
}
