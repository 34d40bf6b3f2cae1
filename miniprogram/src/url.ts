// A scheme and the authority, if there is one.
const origin = /^[a-z][a-z0-9+.-]*:(\/\/[^/?#]*)?/i
// Paths that an HTTP client may rewrite before sending, so that the URL would leave the base path.
const ambiguous = /^[^?#]*([\\\t\r\n]|\/(\.|%2e){1,2}([/?#]|$))/i

// Plain http only for a local network: a name without a dot, such as localhost, or an IP address.
const baseForm = /^(https:\/\/[^/?#@\s]+|http:\/\/([\d.]+|[^/?#@\s.]+)(:\d+)?)(\/[^?#\s]*)?$/i
const advice = "wxgate: bad baseURL; write baseURL: 'https://api.example.com' (or http://localhost), not "

/** The base URL without a trailing slash, or an error: a typing mistake must not send a token to another host. */
export function parseBase(options: { baseURL: string }): string {
  const { baseURL } = options
  if (!baseForm.test(baseURL)) throw new Error(advice + (JSON.stringify(baseURL) || Object.keys(options)))
  return lowerOrigin(baseURL).replace(/\/+$/, '')
}

/** The full URL of `url`, which is relative to `base` unless it has a scheme. */
export function absolute(base: string, url: string): string {
  if (origin.test(url)) return lowerOrigin(url)
  return base + (url[0] === '/' ? '' : '/') + url
}

/** Whether `url` is below `base`, so that the token may be sent to it. */
export function isUnder(base: string, url: string): boolean {
  const rest = url.slice(base.length)
  return url.startsWith(base) && /^([/?#]|$)/.test(rest) && !ambiguous.test(rest)
}

function lowerOrigin(url: string): string {
  return url.replace(origin, part => part.toLowerCase())
}
