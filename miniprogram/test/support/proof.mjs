// The same proof, implemented with node:crypto and independently of src/, to compare the module with.
import { createHash, createHmac, hkdfSync } from 'node:crypto'

/** The header's value. `request` has method, host, target as received, contentType, and body, or null for an upload. */
export function proofHeader({ encryptKey, iv, version }, request, time, nonce) {
  const hash = request.body === null ? '-' : createHash('sha256').update(request.body).digest('hex')
  const lines = ['wxgate-proof-v1', request.method, request.host, canonicalTarget(request.target), time, nonce, request.contentType, hash]
  const secret = hkdfSync('sha256', Buffer.from(encryptKey, 'base64'), Buffer.from(iv, 'latin1'), 'wxgate proof v1', 32)
  const signature = createHmac('sha256', Buffer.from(secret)).update(lines.join('\n')).digest('base64url')
  return `v=1;k=${version};t=${time};n=${nonce};h=${hash};s=${signature}`
}

/** Escapes of unreserved characters decoded, others in upper case, a bare ? dropped. */
export function canonicalTarget(target) {
  let text = ''
  for (let i = 0; i < target.length; i++) {
    const escape = /^%[0-9A-Fa-f]{2}/.exec(target.slice(i, i + 3))
    if (!escape) {
      text += target[i]
      continue
    }
    const byte = Buffer.from(escape[0].slice(1), 'hex').toString('latin1')
    text += /^[A-Za-z0-9\-._~]$/.test(byte) ? byte : escape[0].toUpperCase()
    i += 2
  }
  return text.endsWith('?') && text.indexOf('?') === text.length - 1 ? text.slice(0, -1) : text
}

const form = /^v=1;k=(\d+);t=(\d+);n=([A-Za-z0-9_-]{16,32});h=(-|[0-9a-f]{64});s=[A-Za-z0-9_-]{43}$/

/** The error code of a gateway with `keys` (by version) for a call that a stub received, or '' if its proof is valid. */
export function proofError(keys, seen, { method, path, header, bytes }, now = Date.now() / 1000) {
  const value = header['x-gateway-proof']
  if (!value) return 'proof_required'
  const [, version, time, nonce, hash] = form.exec(value) ?? []
  if (!version) return 'proof_invalid'
  const key = keys.find(each => each.version === +version)
  if (!key) return 'proof_stale'
  const type = header['content-type'] ?? ''
  const isUpload = hash === '-'
  if (isUpload && !type.startsWith('multipart/form-data;')) return 'proof_invalid'
  const request = {
    method: (method === 'POST' && header['x-http-method-override']) || method,
    host: header.host.toLowerCase(),
    target: path,
    contentType: isUpload ? 'multipart/form-data' : type,
    body: isUpload ? null : bytes,
  }
  if (proofHeader(key, request, time, nonce) !== value) return 'proof_invalid'
  if (Math.abs(time - now) > 60) return 'proof_clock'
  if (seen.has(nonce)) return 'proof_replayed'
  seen.add(nonce)
  return ''
}
