// The tab of customer service: the user's message goes to WeChat, which pushes it to the gateway.
import { byId, el, parse } from './dom.mjs'
import { t } from './i18n.mjs'
import { bare, onPress, onSubmit, report, reportResponse, user } from './phone.mjs'
import { isActive } from './whatif.mjs'
import { simulator } from './wx.mjs'

const app = 'wxdev0000000000001'

/** The last message of the user. */
let last

/** Makes WeChat push the message, and shows the result; `acceptedText` is the name of the text for success. */
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
  // 16 digits: WeChat's ids have up to 19, which exceeds JavaScript's integers.
  last = { MsgType: 'text', Content: text, MsgId: Date.now() * 1000 + Math.floor(Math.random() * 1000), CreateTime: Math.floor(Date.now() / 1000) }
  bubble(text, 'mine')
  byId('repeat-push').disabled = false
  await push('pushAccepted')
}

/** Without Redis the gateway can't recognise a repeated message. */
const repeat = () => push(isActive('redis') ? 'pushUnchecked' : 'pushRepeated')

/** Sends a message to the gateway's push URL without a valid signature. */
async function forge() {
  const query = new URLSearchParams({
    timestamp: Math.floor(Date.now() / 1000), nonce: '1234567890', encrypt_type: 'aes', openid: 'o-somebody-else',
    signature: '0'.repeat(40), msg_signature: '0'.repeat(40),
  })
  reportResponse(await bare(`/auth/push/${app}?${query}`, { method: 'POST', data: { ToUserName: 'gh_1', Encrypt: 'bm90IGVuY3J5cHRlZA==' } }), () => '')
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
