import { promisify } from 'node:util'
import API from 'wechat-api'
import { api, appid, authorization, checkOf, messageTo, onlyTokens, secret, tokens } from './setting.mjs'

function pointedAt(base, headers) {
  const client = new API(appid, secret)
  client.endpoint = base // setEndpoint takes a domain and https alone
  // A new object each time: the SDK adds the headers of each call to the one it is given.
  client.setOpts({ get headers() { return { ...headers } } })
  return client
}

const gateway = pointedAt(tokens, authorization)
const wechat = onlyTokens ? pointedAt(api, {}) : gateway
if (onlyTokens) {
  wechat.getAccessToken = function (callback) {
    gateway.getAccessToken((err, token) => (err ? callback(err) : this.saveToken(token, failed => callback(failed, token))))
  }
}

// The SDK is older than the calls of mini programs; patch is its way to add some.
const patched = name => {
  const call = promisify(API.prototype[name])
  return body => call.call(wechat, body)
}
const paths = { phoneNumber: '/wxa/business/getuserphonenumber', checkText: '/wxa/msg_sec_check', subscribeSend: '/cgi-bin/message/subscribe/send', scheme: '/wxa/generatescheme' }
for (const [name, path] of Object.entries(paths)) API.patch(name, api + path)

/** patch reads answers as JSON, so a picture takes a request of its own. */
async function picture() {
  const { accessToken } = await promisify(wechat.getLatestToken).call(wechat)
  const data = await promisify(wechat.request).call(wechat, `${api}/wxa/getwxacodeunlimit?access_token=${accessToken}`, {
    type: 'POST', data: { scene: 'table=7' }, headers: { 'Content-Type': 'application/json' },
  })
  return data.toString('base64')
}

/** What the SDK makes of an answer. */
async function answer({ method, path, body }) {
  const { accessToken } = await promisify(wechat.getLatestToken).call(wechat)
  const url = `${api}/${path}${path.includes('?') ? '&' : '?'}access_token=${accessToken}`
  const options = { type: method, dataType: 'json', data: body ? JSON.parse(body) : undefined, headers: body ? { 'Content-Type': 'application/json' } : {} }
  return JSON.stringify(await promisify(wechat.request).call(wechat, url, options))
}

export const calls = {
  answer,
  token: async () => (await promisify(wechat.getLatestToken).call(wechat)).accessToken,
  phone: async ({ code }) => (await patched('phoneNumber')({ code })).phone_info.purePhoneNumber,
  picture,
  check: async ({ openid, text }) => (await patched('checkText')(checkOf(openid, text))).result.suggest,
  subscribe: async ({ openid }) => (await patched('subscribeSend')(messageTo(openid))) && 'sent',
  unlisted: async () => (await patched('scheme')({ jump_wxa: { path: 'pages/a' } })).openlink,
}
