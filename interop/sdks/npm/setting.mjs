// Where an SDK is pointed: WeChat straight, the relay, or WeChat with a token of the gateway's.
export const { APPID: appid, SECRET: secret, API: api, TOKENS: tokens, BEARER: bearer, PUSH_TOKEN: pushToken, PUSH_KEY: pushKey } = process.env

/** Sent to the gateway. WeChat straight needs none, and gets none. */
export const authorization = bearer ? { Authorization: 'Bearer ' + bearer } : {}

/** Whether the SDK calls WeChat by itself, with an access token that the gateway gives. */
export const onlyTokens = api !== tokens

export const messageTo = openid => ({ touser: openid, template_id: 'T', data: { thing1: { value: 'tea' } } })
export const checkOf = (openid, text) => ({ version: 2, scene: 2, openid, content: text })
