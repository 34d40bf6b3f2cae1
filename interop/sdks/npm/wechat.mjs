import wechat from 'wechat'
import { pushToken } from './setting.mjs'

export { calls } from './wechat-crypto.mjs'

const receive = wechat({ token: pushToken }, (request, response) => response.reply('pong ' + request.weixin.Content))

/** Calls the SDK's middleware as express does. */
export const push = (request, response) =>
  new Promise((resolve, reject) => {
    request.query = Object.fromEntries(new URL(request.url, 'http://localhost').searchParams)
    response.on('close', resolve)
    receive(request, response, reject)
  })
