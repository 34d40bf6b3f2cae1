// How each HTTP client reports the gateway's responses, and whether it works over the SDK.
import { createGateway } from '../../miniprogram/dist/index.mjs'
import { httpClients } from './http-clients.mjs'
import { usePlatform } from './platform.mjs'

/** The outcome of a call in one form for all clients: they put status, header and body into different fields. */
async function outcome(call) {
  try {
    const result = await call
    return { how: 'resolves', status: statusOf(result), openid: openidOf(result), code: codeOf(result) }
  } catch (error) {
    return { how: 'rejects', status: statusOf(error), code: codeOf(error), message: error?.errMsg || error?.message }
  }
}

function statusOf(result) {
  const own = result?.statusCode ?? result?.status ?? result?.response?.statusCode ?? result?.response?.status
  return typeof own === 'number' && own > 0 ? own : undefined
}

function bodyOf(result) {
  const data = result?.data ?? result?.response?.data
  return typeof data === 'string' ? JSON.parse(data || '{}') : data ?? {}
}

const openidOf = result => bodyOf(result).openid

/** The gateway's error code, from the header. */
function codeOf(result) {
  const header = [result?.header, result?.headers, result?.response?.header, result?.response?.headers].find(each => each && Object.keys(each).length) ?? {}
  const name = Object.keys(header).find(each => each.toLowerCase() === 'x-gateway-error')
  return name && [header[name]].flat()[0]
}

/** wx.request of a phone. The double of the SDK's tests throws for a method that wx doesn't have; WeChat calls fail. */
function requestOf(phone, options) {
  try {
    return phone.request(options)
  } catch ({ message }) {
    options.fail?.({ errMsg: message })
    options.complete?.({ errMsg: message })
    return { abort() {} }
  }
}

/** wx.request without a network. */
function requestOffline({ fail, complete }) {
  const error = { errMsg: 'request:fail timeout' }
  queueMicrotask(() => (fail?.(error), complete?.(error)))
  return { abort() {} }
}

/** Runs every client, first with a token that it sends itself, then over the SDK. Returns a row for each. */
export async function measureHTTP(gateway) {
  const rows = []
  let users = 0
  for (const [name, open] of Object.entries(httpClients)) {
    const user = 'http' + ++users
    const phone = gateway.phone(user)
    let sent = 0
    usePlatform({ ...phone, request: options => (sent++, requestOf(phone, options)) })
    const { token } = await createGateway({ baseURL: gateway.url, platform: phone }).login()
    const call = open(gateway.url, () => ({ Authorization: 'Bearer ' + token }))
    const row = { name, good: await outcome(call('GET', '/api/x')), patch: await outcome(Promise.resolve().then(() => call('PATCH', '/api/x', { a: 1 }))) }
    await gateway.logout(token)
    sent = 0
    row.refused = await outcome(call('POST', '/api/x', { a: 1 }))
    row.sent = sent
    usePlatform({ ...phone, request: requestOffline })
    row.lost = await outcome(call('POST', '/api/x', { a: 1 }))
    row.sdk = await overSDK(gateway, user, open)
    rows.push(row)
  }
  return rows
}

/** The same client with the SDK's request in place of wx.request: before and after its session is ended on another phone, and a PATCH. */
async function overSDK(gateway, user, open) {
  const phone = gateway.phone(user)
  const sdk = createGateway({ baseURL: gateway.url, platform: phone })
  usePlatform({ ...phone, ...sdk })
  const call = open(gateway.url, () => ({}))
  const first = await outcome(call('GET', '/api/x'))
  await gateway.endAll(user)
  const after = await outcome(call('POST', '/api/x', { a: 1 }))
  const patch = await outcome(Promise.resolve().then(() => call('PATCH', '/api/x', { a: 1 })))
  return { first, after, patch, logins: phone.logins.length }
}
