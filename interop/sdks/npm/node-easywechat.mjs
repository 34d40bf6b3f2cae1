import { MiniApp, ServerRequest } from 'node-easywechat'
import Server from 'node-easywechat/dist/MiniApp/Server.js'
import { api, appid, authorization, checkOf, messageTo, onlyTokens, pushKey, pushToken, secret, tokens } from './setting.mjs'

const clientAt = (baseURL, headers) => new MiniApp({ app_id: appid, secret, http: { baseURL: baseURL + '/', headers } })

const gateway = clientAt(tokens, authorization)
const app = onlyTokens ? clientAt(api, {}) : gateway
if (onlyTokens) app.setAccessToken(gateway.getAccessToken())
const client = app.getClient()

/** Throws for an errcode, which the SDK doesn't. */
async function post(path, body) {
  const fields = (await client.postJson(path, body)).toObject()
  if (fields.errcode) throw Object.assign(new Error(fields.errmsg), { errcode: fields.errcode })
  return fields
}

/** Makes any call with the SDK and returns what the SDK read. */
const request = async ({ method, path, body }) => {
  const response = await client.request(method, path, body ? { json: JSON.parse(body) } : {})
  return JSON.stringify(response.toObject())
}

export const calls = {
  request,
  token: () => app.getAccessToken().getToken(),
  phone: async ({ code }) => (await post('wxa/business/getuserphonenumber', { code })).phone_info.purePhoneNumber,
  picture: async () => {
    const response = await client.postJson('wxa/getwxacodeunlimit', { scene: 'table=7' }, { responseType: 'arraybuffer' })
    return response.getContent().toString('base64')
  },
  check: async ({ openid, text }) => (await post('wxa/msg_sec_check', checkOf(openid, text))).result.suggest,
  subscribe: async ({ openid }) => (await post('cgi-bin/message/subscribe/send', messageTo(openid))) && 'sent',
  unlisted: async () => (await post('wxa/generatescheme', { jump_wxa: { path: 'pages/a' } })).openlink,
}

const receiver = new MiniApp({ app_id: appid, secret, token: pushToken, aes_key: pushKey })
// By default the SDK requires an aes_key and encrypts its reply with it, which the gateway would encrypt again.
receiver.setServer(new Server(null, null))

Object.assign(calls, {
  encrypt: ({ message }) => /<Encrypt>(.*?)</.exec(receiver.getEncryptor().encrypt(message))[1],
  decrypt: ({ cipher, signature, timestamp, nonce }) => receiver.getEncryptor().decrypt(cipher, signature, nonce, timestamp),
})

export async function push(request, response) {
  receiver.setRequest(await ServerRequest.createFromIncomingMessage(request))
  const server = receiver.getServer()
  server.addMessageListener('text', message => 'pong ' + message.Content)
  const reply = await server.serve()
  response.writeHead(reply.getStatusCode(), reply.getHeaders()).end(String(reply.getBody()))
}
