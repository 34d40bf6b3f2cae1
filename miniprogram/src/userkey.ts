import { assign } from './platform'
import type { CryptoPlatform } from './types'

/** The user's key from WeChat, valid for an hour. */
export interface UserKey {
  /** 16 bytes, in base64. */
  encryptKey: string
  /** 16 characters. */
  iv: string
  version: number
}

/** Milliseconds before the key is fetched from WeChat again. The key's own expiry isn't used, because this device's clock may be wrong. */
const lifetime = 300000
/** Milliseconds that a call waits for WeChat. After that it is sent without a proof, and the gateway decides. */
const timeout = 5000

/** Returns a function for the newest key: the cached one if it is recent and its version is not `stale`, else WeChat's. */
export function newKeys(platform: CryptoPlatform): (stale?: number) => Promise<UserKey> {
  let last: UserKey | undefined
  let fetched = 0
  let inFlight: Promise<UserKey> | undefined

  return async stale => {
    if (last && last.version !== stale && Date.now() - fetched < lifetime) return last
    if (!inFlight) {
      const done = () => (inFlight = undefined)
      inFlight = callWX(options => platform.getUserCryptoManager().getLatestUserKey(options)).then(key => ((fetched = Date.now()), (last = key)))
      inFlight.then(done, done)
    }
    return inFlight
  }
}

/** Cryptographically secure random bytes. */
export async function randomBytes(platform: CryptoPlatform, length: number): Promise<Uint8Array> {
  const { randomValues } = await callWX(options => platform.getRandomValues(assign({ length }, options)))
  return new Uint8Array(randomValues)
}

function callWX(call: (options: object) => any): Promise<any> {
  return new Promise((success, fail) => {
    setTimeout(fail, timeout, { errMsg: 'newProof:fail timeout' })
    const promise = call({ success, fail })
    if (promise && promise.then) promise.then(success, fail)
  })
}
