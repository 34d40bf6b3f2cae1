// Formats of numbers and times.

/** A number with at most three significant digits below 1000, in full above. */
export function number(n) {
  if (!Number.isFinite(n)) return '–'
  if (Math.abs(n) >= 100) return Math.round(n).toLocaleString('en-US')
  return String(Number(n.toPrecision(3)))
}

/** A duration in seconds as ms or s. */
export function seconds(s) {
  if (!Number.isFinite(s) || s <= 0) return '–'
  return s < 1 ? `${number(s * 1000)} ms` : `${number(s)} s`
}

/** A duration in its two largest units: 3 d 4 h. */
export function span(s) {
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]]
  let left = Math.max(Math.round(s), 0)
  const parts = []
  for (const [name, size] of units) {
    const n = Math.floor(left / size)
    left -= n * size
    if (n > 0) parts.push(`${n} ${name}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ') || '0 s'
}

/** A time in the local time zone, to the second; '' for a missing time. */
export function time(text) {
  const at = new Date(text)
  if (!text || Number.isNaN(at.getTime()) || at.getUTCFullYear() < 1971) return ''
  const two = n => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** Cuts a long text in its middle. */
export function middle(text, max = 20) {
  if (text.length <= max) return text
  const half = Math.floor((max - 1) / 2)
  return text.slice(0, half) + '…' + text.slice(-half)
}

/** The entries [name, count] of an object of counts, the largest first. */
export const ranked = counts => Object.entries(counts || {}).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))

export const sum = counts => Object.values(counts || {}).reduce((total, n) => total + n, 0)
