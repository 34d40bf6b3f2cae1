// Verification of an identity assertion for Node 18 or later, without any package.
import { createPublicKey, verify as verifySignature } from 'node:crypto'

/**
 * The gateway's public keys by kid. They are cached, and fetched again for an unknown
 * kid, but not within a minute after a fetch: anybody can send an unknown kid.
 */
export class Keys {
  #url
  #keys = new Map()
  #fetched = -Infinity

  constructor (url) { this.#url = url }

  async get (kid) {
    if (!this.#keys.has(kid) && performance.now() - this.#fetched > 60_000) {
      const res = await fetch(this.#url, { signal: AbortSignal.timeout(5000) })
      const { keys } = await res.json()
      this.#keys = new Map(keys.map(jwk => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]))
      this.#fetched = performance.now()
    }
    return this.#keys.get(kid)
  }
}

/** Returns the claims of a valid assertion; throws otherwise. */
export async function verify (assertion, keys, issuer, audience) {
  const parts = assertion.split('.')
  if (parts.length !== 3) throw new Error('not a JWT')
  const [header, claims] = parts.slice(0, 2).map(part => JSON.parse(Buffer.from(part, 'base64url')))
  if (header.alg !== 'ES256' || header.typ !== 'gw-assertion+jwt' || header.crit) throw new Error('not an assertion')
  const key = await keys.get(header.kid)
  if (!key) throw new Error('unknown key')
  const signature = Buffer.from(parts[2], 'base64url')
  // The signature of a JWT is r and s without ASN.1, which Node calls ieee-p1363.
  if (!verifySignature('sha256', `${parts[0]}.${parts[1]}`, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
    throw new Error('bad signature')
  }
  const now = Date.now() / 1000
  if (claims.iss !== issuer || claims.aud !== audience || !claims.sub) throw new Error('another issuer or audience, or no subject')
  if (!(claims.exp > now - 5) || !(claims.iat < now + 5)) throw new Error('expired or not yet valid')
  return claims
}
