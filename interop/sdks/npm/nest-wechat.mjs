import { createRequire } from 'node:module'
import { MessageCrypto, MiniProgramService } from 'nest-wechat'
import { api, appid, authorization, checkOf, messageTo, onlyTokens, pushKey, pushToken, secret, tokens } from './setting.mjs'

// The SDK writes whole URLs and calls axios' default instance, so an interceptor reaches all of its calls. It has to be
// the instance that require gives: import gives another one.
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
let token // the SDK keeps none

async function accessToken() {
  if (token?.ends > Date.now()) return token.value
  const { data } = await wechat.getAccessToken()
  if (!data.access_token) throw Object.assign(new Error(data.errmsg), data)
  token = { value: data.access_token, ends: Date.now() + data.expires_in * 1000 }
  return token.value
}

/** axios throws for a status, and nothing does for an errcode. */
function read({ data }) {
  if (data.errcode) throw Object.assign(new Error(data.errmsg), { errcode: data.errcode })
  return data
}

/** What axios, which the SDK gives its answers from, makes of one. */
async function answer({ method, path, body }) {
  const url = `https://api.weixin.qq.com/${path}${path.includes('?') ? '&' : '?'}access_token=${await accessToken()}`
  return JSON.stringify((await axios.request({ method, url, data: body ? JSON.parse(body) : undefined })).data)
}

export const calls = {
  answer,
  token: accessToken,
  phone: async ({ code }) => read(await wechat.getPhoneNumber(code, await accessToken())).phone_info.purePhoneNumber,
  picture: async () => {
    const { data } = await wechat.getUnlimitedQRCode({ scene: 'table=7' }, await accessToken(), { responseType: 'arraybuffer' })
    return data.toString('base64')
  },
  // The SDK has no method for it.
  check: async ({ openid, text }) =>
    read(await axios.post('https://api.weixin.qq.com/wxa/msg_sec_check?access_token=' + (await accessToken()), checkOf(openid, text))).result.suggest,
  subscribe: async ({ openid }) => read(await wechat.sendMessage(messageTo(openid), await accessToken())) && 'sent',
  unlisted: async () => read(await wechat.generateScheme({ jump_wxa: { path: 'pages/a' } }, await accessToken())).openlink,
}

Object.assign(calls, {
  encrypt: ({ message }) =>
    /<Encrypt><!\[CDATA\[(.*?)\]\]>/.exec(MessageCrypto.encryptMessage(appid, pushToken, pushKey, message, '1', 'n'))[1],
  decrypt: ({ cipher, signature, timestamp, nonce }) =>
    MessageCrypto.decryptMessage(pushToken, pushKey, signature, timestamp, nonce, `<xml><Encrypt><![CDATA[${cipher}]]></Encrypt></xml>`),
})
