// Writes test/proof-vectors.json: node test/support/proof-vectors.mjs
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { proofHeader } from './proof.mjs'

// The first is from the sample response of WeChat's page on getuserencryptkey.
const keys = [
  { encryptKey: 'VI6BpyrK9XH4i4AIGe86tg==', iv: '6003f73ec441c386', version: 10 },
  { encryptKey: '//79/Pv6+fj39vX08/Lx8A==', iv: '~!@#$%^&*()_+-={', version: 9007199254740991 },
]

const cases = [
  ['a POST of JSON', { method: 'POST', target: '/api/orders', contentType: 'application/json', body: '{"sku":"A1"}' }],
  ['a GET', { target: '/api/me' }],
  ['a GET that has a type', { target: '/api/me', contentType: 'application/json' }],
  ['a bare question mark', { target: '/api/me?', as: '/api/me' }],
  ['two question marks', { target: '/api/me??', as: '/api/me??' }],
  ['the root', { target: '/' }],
  ['escapes of unreserved characters', { target: '/%61pi/%7euser?x=%2D%2e%5F%7E%30', as: '/api/~user?x=-._~0' }],
  ['other escapes in lower case', { target: '/api/%e4%bd%a0?x=%2f%2b%e5%a5%bd', as: '/api/%E4%BD%A0?x=%2F%2B%E5%A5%BD' }],
  ['an escaped percent sign', { target: '/api?x=%2541%25e4', as: '/api?x=%2541%25e4' }],
  ['plus signs and sub-delimiters unchanged', { target: "/api?x=a+b&y=(1)*!$'", as: "/api?x=a+b&y=(1)*!$'" }],
  ['a body in Chinese with an emoji', { method: 'POST', target: '/api/notes', contentType: 'application/json; charset=utf-8', body: '{"text":"你好，𠮷😀"}' }],
  ['a form', { method: 'PUT', target: '/api/form', contentType: 'application/x-www-form-urlencoded', body: 'a=1&b=%E4%BD%A0' }],
  ['bytes', { method: 'POST', target: '/api/bytes', contentType: 'application/octet-stream', body: Buffer.from([0, 255, 128, 10, 13]) }],
  ['an empty body', { method: 'POST', target: '/api/empty', contentType: 'application/json', body: '' }],
  ['a PATCH that was sent as POST', { method: 'PATCH', target: '/api/orders/1', contentType: 'application/json', body: '{}' }],
  ['an upload: the type without its boundary', { method: 'POST', target: '/api/file', contentType: 'multipart/form-data', body: null }],
  ['a WebSocket handshake', { target: '/ws?room=1' }],
  ['a host with a port', { target: '/api/me', host: 'api.example.com:8443' }],
  ['another key and another time', { target: '/api/me', key: 1, time: 1893456000, nonce: '0123456789abcdefABCDEF_-0123456a' }],
]

/** The vectors as they are in the file. */
export function vectors() {
  return cases.map(([name, { method = 'GET', target, as = target, host = 'api.example.com', contentType = '', body = '', key = 0, time = 1764230400, nonce = 'abcdefghijklmnop' }]) => {
    const request = { method, host, target, contentType, body }
    const base64 = body === null ? null : Buffer.from(body).toString('base64')
    return { name, key: keys[key], method, host, target, canonical: as, contentType, body: base64, proof: proofHeader(keys[key], request, time, nonce) }
  })
}

export const file = fileURLToPath(new URL('../proof-vectors.json', import.meta.url))

export function text() {
  return '[\n' + vectors().map(vector => JSON.stringify(vector)).join(',\n') + '\n]\n'
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, text())
