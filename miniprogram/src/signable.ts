import { hex, utf8 } from './bytes'
import { headerOf, without } from './header'
import { assign } from './platform'

/** A call whose signed bytes are all known, because nothing is left for the platform to serialize. */
export interface Signable {
  /** The options to send. */
  options: any
  /** After an override. */
  method: string
  host: string
  /** Path and query in canonical form. */
  target: string
  contentType: string
  /** undefined if the platform generates the body. */
  body?: Uint8Array
}

/** Serializes URL, body and Content-Type, which wx would otherwise do itself. `api` is the call's name in wx. */
export function signable(api: string, given: any): Signable {
  const isUpload = api === 'uploadFile'
  const isRequest = api === 'request'
  const method = isUpload ? 'POST' : (isRequest && given.method ? given.method : 'GET').toUpperCase()
  // wx adds a random boundary to an upload's type.
  const contentType = isUpload ? 'multipart/form-data' : headerOf(given, 'content-type') || (isRequest ? 'application/json' : '')
  const header = without(given.header, /^content-type$/i)
  if (contentType && !isUpload) header['Content-Type'] = contentType
  const options: any = assign({}, given, { header, url: escaped(given.url.split('#')[0], /%(?![\dA-Fa-f]{2})|[^\w\-.~:/?@!$&()*+,;=%]/gu) })
  if (isRequest) writeData(options, method, contentType)
  const [, secure, authority, rest] = /^\w+?(s?):\/\/([^/?]*)(.*)$/.exec(options.url)!
  return {
    options,
    method: (method === 'POST' && headerOf(given, 'x-http-method-override').toUpperCase()) || method,
    host: authority.toLowerCase().replace(secure ? /:(443)?$/ : /:(80)?$/, ''),
    target: canonical(rest),
    contentType,
    body: isUpload ? undefined : bytesOf(isRequest && !inQuery(method) ? options.data : ''),
  }
}

function inQuery(method: string): boolean {
  return /^(GET|HEAD)$/.test(method)
}

/** Serializes data as wx does: into the query of a GET, else as a form or JSON; strings and ArrayBuffers unchanged. */
function writeData(options: any, method: string, contentType: string): void {
  const { data = '' } = options
  const isForm = inQuery(method) || /x-www-form-urlencoded/i.test(contentType)
  const written = isArrayBuffer(data) || typeof data !== 'object' ? data : isForm ? form(data || {}) : data ? JSON.stringify(data) : ''
  options.data = written
  if (!inQuery(method) || isArrayBuffer(written)) return
  delete options.data
  if (written) options.url += (/\?/.test(options.url) ? '&' : '?') + written
}

function form(data: any): string {
  const names = Object.keys(data).filter(name => data[name] !== undefined)
  return names.map(name => encoded(name) + '=' + encoded(data[name])).join('&')
}

function encoded(value: any): string {
  return escaped(typeof value === 'object' ? JSON.stringify(value) : '' + value, /[^\w\-.~!()*]/gu)
}

/** Escapes the characters that HTTP clients escape in different ways. */
function escaped(text: string, pattern: RegExp): string {
  return text.replace(pattern, character => hex(utf8(character)).replace(/../g, '%$&').toUpperCase())
}

/** The same canonical form as at the gateway: escapes of unreserved characters decoded, others in upper case, no empty query. */
function canonical(target: string): string {
  const decoded = target.replace(/%([\da-f]{2})/gi, (escape, digits) => {
    const character = String.fromCharCode(parseInt(digits, 16))
    return /[\w\-.~]/.test(character) ? character : escape.toUpperCase()
  })
  return (decoded[0] === '/' ? '' : '/') + decoded.replace(/^([^?]*)\?$/, '$1')
}

function bytesOf(data: any): Uint8Array {
  return isArrayBuffer(data) ? new Uint8Array(data) : utf8('' + data)
}

/** Also of another JavaScript realm. */
function isArrayBuffer(data: any): boolean {
  return Object.prototype.toString.call(data) === '[object ArrayBuffer]'
}
