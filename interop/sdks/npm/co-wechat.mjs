import coWechat from 'co-wechat'
import Koa from 'koa'
import { pushToken } from './setting.mjs'

export { calls } from './wechat-crypto.mjs'

const app = new Koa()
app.silent = true // the status of the response shows an error
app.use(coWechat({ token: pushToken }).middleware(async message => 'pong ' + message.Content))
export const push = app.callback()
