import { createRequire } from 'node:module'
import { MessageCrypto, MiniProgramService } from 'nest-wechat'
import { api, appid, authorization, checkOf, messageTo, onlyTokens, pushKey, pushToken, secret, tokens } from './setting.mjs'

// The SDK uses absolute URLs and axios' default instance, so one interceptor sees all of its calls. The instance has to be
// the one of require: import returns another one (findings/axios-two-instances.sh).
const axios = createRequire(import.meta.url)('axios')
axios.interceptors.request.use(config => {
  const url = new URL(config.url)
  if (url.origin !== 'https://api.weixin.qq.com') return config
  const forToken = url.pathname === '/cgi-bin/token'
  config.url = (forToken ? tokens : api) + url.pathname + url.search
  if (forToken || !onlyTokens) config.headers.set(authorization)
  return config
})

const wechat = new MiniProgramService({ appId: appid, secret })
let token // the SDK caches none

async function accessToken() {
  if (token?.expires > Date.now()) return token.value
  const { data } = await wechat.getAccessToken()
  if (!data.access_token) throw Object.assign(new Error(data.errmsg), data)
  token = { value: data.access_token, expires: Date.now() + data.expires_in * 1000 }
  return token.value
}

/** Throws for an errcode, which neither axios nor the SDK does. */
function unwrap({ data }) {
  if (data.errcode) throw Object.assign(new Error(data.errmsg), { errcode: data.errcode })
  return data
}

/** Makes any call with axios, whose responses the SDK returns, and returns what axios read. */
async function request({ method, path, body }) {
  const url = `https://api.weixin.qq.com/${path}${path.includes('?') ? '&' : '?'}access_token=${await accessToken()}`
  return JSON.stringify((await axios.request({ method, url, data: body ? JSON.parse(body) : undefined })).data)
}

export const calls = {
  request,
  token: accessToken,
  phone: async ({ code }) => unwrap(await wechat.getPhoneNumber(code, await accessToken())).phone_info.purePhoneNumber,
  picture: async () => {
    const { data } = await wechat.getUnlimitedQRCode({ scene: 'table=7' }, await accessToken(), { responseType: 'arraybuffer' })
    return data.toString('base64')
  },
  // The SDK has no method for it.
  check: async ({ openid, text }) =>
    unwrap(await axios.post('https://api.weixin.qq.com/wxa/msg_sec_check?access_token=' + (await accessToken()), checkOf(openid, text))).result.suggest,
  subscribe: async ({ openid }) => unwrap(await wechat.sendMessage(messageTo(openid), await accessToken())) && 'sent',
  unlisted: async () => unwrap(await wechat.generateScheme({ jump_wxa: { path: 'pages/a' } }, await accessToken())).openlink,
}

Object.assign(calls, {
  encrypt: ({ message }) =>
    /<Encrypt><!\[CDATA\[(.*?)\]\]>/.exec(MessageCrypto.encryptMessage(appid, pushToken, pushKey, message, '1', 'n'))[1],
  decrypt: ({ cipher, signature, timestamp, nonce }) =>
    MessageCrypto.decryptMessage(pushToken, pushKey, signature, timestamp, nonce, `<xml><Encrypt><![CDATA[${cipher}]]></Encrypt></xml>`),
})
