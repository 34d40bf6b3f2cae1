import { promisify } from 'node:util'
import API from 'wechat-api'
import { api, appid, authorization, checkOf, messageTo, onlyTokens, secret, tokens } from './setting.mjs'

function clientAt(base, headers) {
  const client = new API(appid, secret)
  client.endpoint = base // setEndpoint takes only a domain, and uses https
  // A new object each time: the SDK adds the headers of each call to the object that it gets (findings/wechat-sdk-headers.sh).
  client.setOpts({ get headers() { return { ...headers } } })
  return client
}

const gateway = clientAt(tokens, authorization)
const wechat = onlyTokens ? clientAt(api, {}) : gateway
if (onlyTokens) {
  wechat.getAccessToken = function (callback) {
    gateway.getAccessToken((err, token) => (err ? callback(err) : this.saveToken(token, failed => callback(failed, token))))
  }
}

// The SDK is older than the calls of mini programs; its method patch adds calls.
const patched = name => {
  const call = promisify(API.prototype[name])
  return body => call.call(wechat, body)
}
const paths = { phoneNumber: '/wxa/business/getuserphonenumber', checkText: '/wxa/msg_sec_check', subscribeSend: '/cgi-bin/message/subscribe/send', scheme: '/wxa/generatescheme' }
for (const [name, path] of Object.entries(paths)) API.patch(name, api + path)

/** Calls that patch adds read the response as JSON, so the picture is requested otherwise. */
async function picture() {
  const { accessToken } = await promisify(wechat.getLatestToken).call(wechat)
  const data = await promisify(wechat.request).call(wechat, `${api}/wxa/getwxacodeunlimit?access_token=${accessToken}`, {
    type: 'POST', data: { scene: 'table=7' }, headers: { 'Content-Type': 'application/json' },
  })
  return data.toString('base64')
}

/** Makes any call with the SDK and returns what the SDK read. */
async function request({ method, path, body }) {
  const { accessToken } = await promisify(wechat.getLatestToken).call(wechat)
  const url = `${api}/${path}${path.includes('?') ? '&' : '?'}access_token=${accessToken}`
  const options = { type: method, dataType: 'json', data: body ? JSON.parse(body) : undefined, headers: body ? { 'Content-Type': 'application/json' } : {} }
  return JSON.stringify(await promisify(wechat.request).call(wechat, url, options))
}

export const calls = {
  request,
  token: async () => (await promisify(wechat.getLatestToken).call(wechat)).accessToken,
  phone: async ({ code }) => (await patched('phoneNumber')({ code })).phone_info.purePhoneNumber,
  picture,
  check: async ({ openid, text }) => (await patched('checkText')(checkOf(openid, text))).result.suggest,
  subscribe: async ({ openid }) => (await patched('subscribeSend')(messageTo(openid))) && 'sent',
  unlisted: async () => (await patched('scheme')({ jump_wxa: { path: 'pages/a' } })).openlink,
}
