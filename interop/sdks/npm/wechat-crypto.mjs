// The package that wechat and co-wechat encrypt with.
import WXBizMsgCrypt from 'wechat-crypto'
import { appid, pushKey, pushToken } from './setting.mjs'

const cryptor = new WXBizMsgCrypt(pushToken, pushKey, appid)

export const calls = {
  encrypt: ({ message }) => cryptor.encrypt(message),
  decrypt: ({ cipher, signature, timestamp, nonce }) => {
    if (cryptor.getSignature(timestamp, nonce, cipher) !== signature) throw new Error('signature')
    const { message, id } = cryptor.decrypt(cipher)
    if (id !== appid) throw new Error('appid')
    return message
  },
}
