import { assign } from './platform'
import type { CryptoPlatform } from './types'

/** A key that WeChat gives the user for an hour. */
export interface UserKey {
  /** 16 bytes, in base64. */
  encryptKey: string
  /** 16 characters. */
  iv: string
  version: number
}

/** Milliseconds that a key is used before WeChat is asked whether there is a newer one. It takes no word of this device's clock. */
const lifetime = 300000
/** Milliseconds that a call waits for WeChat. Then it goes without a proof, and the gateway decides. */
const timeout = 5000

/** Returns what gives the newest key: the last one if it is young and its version is not `stale`, else WeChat's. */
export function newKeys(platform: CryptoPlatform): (stale?: number) => Promise<UserKey> {
  let last: UserKey | undefined
  let fetched = 0
  let inFlight: Promise<UserKey> | undefined

  return async stale => {
    if (last && last.version !== stale && Date.now() - fetched < lifetime) return last
    if (!inFlight) {
      const done = () => (inFlight = undefined)
      inFlight = ask(options => platform.getUserCryptoManager().getLatestUserKey(options)).then(key => ((fetched = Date.now()), (last = key)))
      inFlight.then(done, done)
    }
    return inFlight
  }
}

/** Bytes that nobody can guess. */
export async function randomBytes(platform: CryptoPlatform, length: number): Promise<Uint8Array> {
  const { randomValues } = await ask(options => platform.getRandomValues(assign({ length }, options)))
  return new Uint8Array(randomValues)
}

function ask(call: (options: object) => any): Promise<any> {
  return new Promise((success, fail) => {
    setTimeout(fail, timeout, { errMsg: 'newProof:fail timeout' })
    const promise = call({ success, fail })
    if (promise && promise.then) promise.then(success, fail)
  })
}
