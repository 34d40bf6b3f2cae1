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

/** Seconds of difference to the gateway's clock that need no correction; the gateway accepts twice as much. */
const tolerance = 30

/**
 * Signs calls with the user's key from WeChat, which a stolen token doesn't include; for routes with
 * `proof: sign`: `createGateway({ baseURL, proof: newProof() })`.
 *
 * If WeChat provides no key (base library before 2.17.3), a call is sent without a proof, and the gateway decides.
 */
export function newProof(options?: ProofOptions): Proof {
  const { paths = [''], platform = wx } = options || {}
  const latestKey = newKeys(platform)
  /** Seconds by which the gateway's clock is ahead of this device's. */
  let offset = 0

  const now = () => Math.floor(Date.now() / 1000) + offset

  /** Corrects the clock by the gateway's time in a response to a call signed at the time `sent`; returns whether that was needed. */
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

    // On proof_clock and proof_stale no backend has received the call. A failed handshake has no code, so either may be the cause.
    async adapt(sent, result, code = 'proof_clock proof_stale') {
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
