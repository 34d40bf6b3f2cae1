// Where an SDK sends its calls: WeChat (the simulator), the relay, or WeChat with access tokens from the gateway.
export const { APPID: appid, SECRET: secret, API: api, TOKENS: tokens, BEARER: bearer, PUSH_TOKEN: pushToken, PUSH_KEY: pushKey } = process.env

/** Sent to the gateway only; empty without a gateway. */
export const authorization = bearer ? { Authorization: 'Bearer ' + bearer } : {}

/** Whether the SDK calls WeChat directly, with access tokens from the gateway. */
export const onlyTokens = api !== tokens

export const messageTo = openid => ({ touser: openid, template_id: 'T', data: { thing1: { value: 'tea' } } })
export const checkOf = (openid, text) => ({ version: 2, scene: 2, openid, content: text })
