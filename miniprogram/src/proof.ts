import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base64url, fromBase64, hex, utf8 } from './bytes'
import { headerOf } from './header'
import { ignore } from './platform'
import { signable, type Signable } from './signable'
import type { CryptoPlatform, Proof, ProofOptions } from './types'
import { newKeys, randomBytes, type UserKey } from './userkey'

declare const wx: CryptoPlatform

/** Seconds between this device's clock and the gateway's that are no reason to sign again; the gateway takes twice as much. */
const tolerance = 30

/**
 * Signs calls with the key that WeChat gives the user, which a stolen token doesn't include; for routes with
 * `proof: sign`: `createGateway({ baseURL, proof: newProof() })`.
 *
 * Where WeChat gives no key (base library before 2.17.3), a call goes without a proof, and the gateway decides.
 */
export function newProof(options?: ProofOptions): Proof {
  const { paths = [''], platform = wx } = options || {}
  const latestKey = newKeys(platform)
  /** Seconds that the gateway's clock is ahead of this device's. */
  let offset = 0

  const now = () => Math.floor(Date.now() / 1000) + offset

  /** Takes the gateway's time from an answer to a call of the time `sent`; reports whether that was off by much. */
  function correctClock(sent: number, { data, header }: any): boolean {
    const time = Math.floor((data && data.time) || Date.parse(headerOf({ header }, 'date')) / 1000)
    if (!(Math.abs(time - sent) > tolerance)) return false
    offset += time - now()
    return true
  }

  return {
    async sign(api, given) {
      const call = signable(api, given)
      if (!paths.some(path => call.target.startsWith(path))) return given
      const found = await Promise.all([latestKey(), randomBytes(platform, 18)]).catch(ignore)
      if (!found) return given
      call.options.header['X-Gateway-Proof'] = proofOf(call, found[0], now(), base64url(found[1]))
      return call.options
    },

    // proof_clock and proof_stale: no backend has seen the call. A handshake that failed tells no code, so both may be why.
    async learn(sent, result, code = 'proof_clock proof_stale') {
      const proof = /k=(\d+);t=(\d+)/.exec(headerOf(sent, 'x-gateway-proof'))
      if (!proof) return false
      if (/proof_clock/.test(code) && correctClock(+proof[2], result)) return true
      if (!/proof_stale/.test(code)) return false
      const latest = await latestKey(+proof[1]).catch(ignore)
      return !!latest && latest.version !== +proof[1]
    },
  }
}

/** The header's value for a call at a time in Unix seconds. */
function proofOf({ method, host, target, contentType, body }: Signable, key: UserKey, time: number, nonce: string): string {
  const hash = body ? hex(sha256(body)) : '-'
  const signed = ['wxgate-proof-v1', method, host, target, time, nonce, contentType, hash].join('\n')
  const secret = hkdf(sha256, fromBase64(key.encryptKey), utf8(key.iv), utf8('wxgate proof v1'), 32)
  const signature = base64url(hmac(sha256, secret, utf8(signed)))
  return `v=1;k=${key.version};t=${time};n=${nonce};h=${hash};s=${signature}`
}
