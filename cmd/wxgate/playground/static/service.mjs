// The tab of customer service: what a user writes goes to WeChat, which pushes it to the gateway.
import { byId, el, parse } from './dom.mjs'
import { t } from './i18n.mjs'
import { bare, onPress, onSubmit, report, reportAnswer, user } from './phone.mjs'
import { isBroken } from './whatif.mjs'
import { simulator } from './wx.mjs'

const app = 'wxdev0000000000001'

/** The message that was written last. */
let last

/** Has WeChat push the message, and says what came of it; `acceptedText` names the text for the best case. */
async function push(acceptedText) {
  const { accepted, reply, attempts } = await simulator('push', { user: user(), interval: '1s', message: last })
  const { Content } = parse(reply) || {}
  if (Content) bubble(Content, 'theirs')
  const statuses = attempts.map(({ status }) => status || t('noAnswer')).join(', ')
  if (accepted) report(() => t(acceptedText))
  else report(() => t('pushFailed', statuses), 'error')
}

async function write() {
  const input = byId('question')
  const text = input.value || t('aQuestion')
  input.value = ''
  // 16 digits: WeChat's have up to 19, which a number of JavaScript doesn't hold.
  last = { MsgType: 'text', Content: text, MsgId: Date.now() * 1000 + Math.floor(Math.random() * 1000), CreateTime: Math.floor(Date.now() / 1000) }
  bubble(text, 'mine')
  byId('repeat-push').disabled = false
  await push('pushAccepted')
}

/** Without Redis nobody knows that the message has been there. */
const repeat = () => push(isBroken('redis') ? 'pushUnchecked' : 'pushRepeated')

/** A message that somebody else than WeChat sends to the gateway's address. */
async function forge() {
  const query = new URLSearchParams({
    timestamp: Math.floor(Date.now() / 1000), nonce: '1234567890', encrypt_type: 'aes', openid: 'o-somebody-else',
    signature: '0'.repeat(40), msg_signature: '0'.repeat(40),
  })
  reportAnswer(await bare(`/auth/push/${app}?${query}`, { method: 'POST', data: { ToUserName: 'gh_1', Encrypt: 'bm90IGVuY3J5cHRlZA==' } }), () => '')
}

function bubble(text, whose) {
  byId('chat').append(el('li', { class: whose, text }))
  byId('chat').lastChild.scrollIntoView({ block: 'nearest' })
}

export function startService() {
  onSubmit('service', 'pushMessage', write)
  onPress('repeat-push', repeat)
  onPress('forged-push', forge)
  byId('user').addEventListener('chosen', () => {
    last = undefined
    byId('repeat-push').disabled = true
    byId('chat').replaceChildren()
  })
}
