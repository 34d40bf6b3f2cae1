import { MiniApp, ServerRequest } from 'node-easywechat'
import Server from 'node-easywechat/dist/MiniApp/Server.js'
import { api, appid, authorization, checkOf, messageTo, onlyTokens, pushKey, pushToken, secret, tokens } from './setting.mjs'

const pointedAt = (baseURL, headers) => new MiniApp({ app_id: appid, secret, http: { baseURL: baseURL + '/', headers } })

const gateway = pointedAt(tokens, authorization)
const app = onlyTokens ? pointedAt(api, {}) : gateway
if (onlyTokens) app.setAccessToken(gateway.getAccessToken())
const client = app.getClient()

/** The SDK throws for no errcode and no status: its caller has to look. */
async function post(path, body) {
  const fields = (await client.postJson(path, body)).toObject()
  if (fields.errcode) throw Object.assign(new Error(fields.errmsg), { errcode: fields.errcode })
  return fields
}

/** What the SDK makes of an answer. */
const answer = async ({ method, path, body }) => {
  const response = await client.request(method, path, body ? { json: JSON.parse(body) } : {})
  return JSON.stringify(response.toObject())
}

export const calls = {
  answer,
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
// Left to itself the SDK insists on an aes_key, and encrypts with it what the gateway would encrypt once more.
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
