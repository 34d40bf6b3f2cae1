const scheme = /^[a-z][a-z0-9+.-]*:/i
const origin = /^[a-z]+:\/\/[^/?#]*/i
// What an HTTP client may rewrite before sending, so that the URL leads out of the base path.
const ambiguous = /[\\\t\r\n]|(^|\/)(\.|%2e){1,2}(\/|$)/i

/** The base URL without a slash at its end, or an error: a typing mistake must not send a token to another host. */
export function parseBase(baseURL: string): string {
  if (!/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/i.test(baseURL)) {
    throw new Error('wxgate: bad baseURL ' + baseURL)
  }
  return lowerOrigin(baseURL).replace(/\/+$/, '')
}

/** The whole URL of `url`, which stands under `base` unless it has a scheme of its own. */
export function absolute(base: string, url: string): string {
  if (scheme.test(url)) return lowerOrigin(url)
  return base + (url[0] === '/' ? '' : '/') + url
}

/** Whether `url` lies under `base` and so may have the token. */
export function isUnder(base: string, url: string): boolean {
  const rest = url.slice(base.length)
  return url.indexOf(base) === 0 && /^([/?#]|$)/.test(rest) && !ambiguous.test(rest.split(/[?#]/)[0])
}

function lowerOrigin(url: string): string {
  return url.replace(origin, part => part.toLowerCase())
}
