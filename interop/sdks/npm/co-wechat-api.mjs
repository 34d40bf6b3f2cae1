import API from 'co-wechat-api'
import { api, appid, authorization, checkOf, messageTo, onlyTokens, secret, tokens } from './setting.mjs'

/** A client with all of the SDK's prefixes at another base URL. */
function clientAt(base, headers) {
  const client = new API(appid, secret)
  client.prefix = base + '/cgi-bin/'
  client.wxaPrefix = base + '/wxa/'
  // A new object each time: the SDK adds the headers of each call to the object that it gets (findings/wechat-sdk-headers.sh).
  client.setOpts({ get headers() { return { ...headers } } })
  return client
}

const gateway = clientAt(tokens, authorization)
const wechat = onlyTokens ? clientAt(api, {}) : gateway
if (onlyTokens) {
  wechat.getAccessToken = async function () {
    const token = await gateway.getAccessToken()
    await this.saveToken(token)
    return token
  }
}

/** For calls that the SDK has no method for. */
async function post(path, body) {
  const { accessToken } = await wechat.ensureAccessToken()
  return wechat.request(`${wechat.wxaPrefix}${path}?access_token=${accessToken}`, {
    method: 'POST', data: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
  })
}

/** Makes any call with the SDK and returns what the SDK read. */
async function request({ method, path, body }) {
  const { accessToken } = await wechat.ensureAccessToken()
  const url = `${api}/${path}${path.includes('?') ? '&' : '?'}access_token=${accessToken}`
  return JSON.stringify(await wechat.request(url, { method, data: body || undefined, headers: { 'Content-Type': 'application/json' } }))
}

export const calls = {
  request,
  token: async () => (await wechat.ensureAccessToken()).accessToken,
  phone: async ({ code }) => (await post('business/getuserphonenumber', { code })).phone_info.purePhoneNumber,
  picture: async () => (await wechat.getWXACodeUnlimit('table=7', 'pages/a')).toString('base64'),
  check: async ({ openid, text }) => (await post('msg_sec_check', checkOf(openid, text))).result.suggest,
  subscribe: async ({ openid }) => (await wechat.sendSubscribeMessage(openid, 'T', '', messageTo(openid).data)) && 'sent',
  unlisted: async () => (await wechat.getWXACode('pages/a')) && 'drawn',
}
