// Conversions between text and bytes, for a platform without TextEncoder, atob and btoa.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The text in UTF-8; an unpaired surrogate becomes U+FFFD, as with TextEncoder. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    let point = character.codePointAt(0)!
    if (point >> 11 === 0x1b) point = 0xfffd
    if (point < 0x80) bytes.push(point)
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), continuation(point))
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), continuation(point >> 6), continuation(point))
    else bytes.push(0xf0 | (point >> 18), continuation(point >> 12), continuation(point >> 6), continuation(point))
  }
  return new Uint8Array(bytes)
}

/** A continuation byte of UTF-8. */
function continuation(bits: number): number {
  return 0x80 | (bits & 0x3f)
}

export function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += (256 + byte).toString(16).slice(1)
  return text
}

/** Base64url without padding (RFC 4648, section 5). */
export function base64url(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length * 8; i += 6) {
    const at = i >> 3
    text += alphabet[((((bytes[at] << 8) | bytes[at + 1]) << (i & 7)) >> 10) & 63]
  }
  return text
}

/** The bytes of a text in base64, either alphabet, padded or not. */
export function fromBase64(text: string): Uint8Array {
  const digits = text.replace(/=+$/, '').replace(/\+/g, '-').replace(/\//g, '_')
  const bytes = new Uint8Array((digits.length * 6) >> 3)
  for (let i = 0; i < digits.length * 6; i++) {
    if (alphabet.indexOf(digits[(i / 6) | 0]) & (32 >> i % 6)) bytes[i >> 3] |= 128 >> (i & 7)
  }
  return bytes
}
