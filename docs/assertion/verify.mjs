// How a Node backend checks an identity assertion, without any package:
// node verify.mjs JWKS-URL ISSUER AUDIENCE ASSERTION
import { createPublicKey, verify as verifySignature } from 'node:crypto'

/** The gateway's public keys by kid; keep them, fetch again when a kid is new. */
export async function fetchKeys (url) {
  const { keys } = await (await fetch(url)).json()
  return new Map(keys.map(jwk => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]))
}

/** The claims of a good assertion; throws otherwise. */
export function verify (assertion, keys, issuer, audience, now = Date.now() / 1000) {
  const parts = assertion.split('.')
  if (parts.length !== 3) throw new Error('not a JWT')
  const [header, claims] = parts.slice(0, 2).map(part => JSON.parse(Buffer.from(part, 'base64url')))
  const key = keys.get(header.kid)
  if (header.alg !== 'ES256' || header.typ !== 'gw-assertion+jwt' || header.crit || !key) throw new Error('unknown key')
  const signature = Buffer.from(parts[2], 'base64url')
  // JWTs carry r and s as they are, which Node calls ieee-p1363.
  if (!verifySignature('sha256', `${parts[0]}.${parts[1]}`, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
    throw new Error('bad signature')
  }
  if (claims.iss !== issuer || claims.aud !== audience || !claims.sub) throw new Error('meant for someone else')
  if (!(claims.exp > now - 5) || !(claims.iat < now + 5)) throw new Error('not valid now')
  return claims
}

const [url, issuer, audience, assertion] = process.argv.slice(2)
if (assertion !== undefined) {
  try {
    console.log(verify(assertion, await fetchKeys(url), issuer, audience).sub)
  } catch (e) {
    console.error('refused:', e.message)
    process.exit(1)
  }
}
