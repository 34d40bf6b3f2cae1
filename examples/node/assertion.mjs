// How a Node backend (18 or later) checks an identity assertion, without any package.
import { createPublicKey, verify as verifySignature } from 'node:crypto'

/**
 * The gateway's public keys by kid. They are kept, and fetched again when a kid is
 * new, once a minute at most: anybody can make up a kid.
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

/** The claims of a good assertion; throws otherwise. */
export async function verify (assertion, keys, issuer, audience) {
  const parts = assertion.split('.')
  if (parts.length !== 3) throw new Error('not a JWT')
  const [header, claims] = parts.slice(0, 2).map(part => JSON.parse(Buffer.from(part, 'base64url')))
  if (header.alg !== 'ES256' || header.typ !== 'gw-assertion+jwt' || header.crit) throw new Error('not an assertion')
  const key = await keys.get(header.kid)
  if (!key) throw new Error('unknown key')
  const signature = Buffer.from(parts[2], 'base64url')
  // JWTs carry r and s as they are, which Node calls ieee-p1363.
  if (!verifySignature('sha256', `${parts[0]}.${parts[1]}`, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
    throw new Error('bad signature')
  }
  const now = Date.now() / 1000
  if (claims.iss !== issuer || claims.aud !== audience || !claims.sub) throw new Error('meant for someone else')
  if (!(claims.exp > now - 5) || !(claims.iat < now + 5)) throw new Error('not valid now')
  return claims
}
