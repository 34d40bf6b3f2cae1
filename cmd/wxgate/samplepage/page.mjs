// A web page behind wxgate: the browser sends the cookie, so this code doesn't handle authentication.
const texts = {
  en: {
    title: 'A web page', user: 'The backend received X-OpenID:', connecting: 'connecting …', answer: 'Response', call: 'Call the API',
    order: 'POST an order', logout: 'Log out here', closed: why => `closed: ${why}`, said: 'echoed',
  },
  zh: {
    title: '网页', user: '后端收到 X-OpenID：', connecting: '连接中……', answer: '响应', call: '调用接口',
    order: '提交订单（POST）', logout: '在网页中退出登录', closed: why => `已断开：${why}`, said: '回显',
  },
}
const t = texts[document.documentElement.lang.startsWith('zh') ? 'zh' : 'en']
for (const node of document.querySelectorAll('[data-t]')) node.textContent = t[node.dataset.t]

const show = (id, text, error = false) => {
  const node = document.getElementById(id)
  node.textContent = text
  node.className = error ? 'error' : ''
}

const name = 'page-web' + Math.random().toString(36).slice(2, 6)
let clicks = 0

/** Calls with an X-Request-ID by which the playground groups calls; a real page needs none. */
const call = (label, path, options = {}) => fetch(path, { ...options, headers: { 'X-Request-ID': `${name}.${++clicks}.${label}.1` } })

async function status(response) {
  const { error } = await response.json().catch(() => ({}))
  return [response.status, error].filter(Boolean).join(' ')
}

/** The status of the session, since a page can't see why a stream or a WebSocket was refused or closed. */
const why = () => fetch('/auth/session').then(status, error => error.message)

const stream = new EventSource('/h5/events')
stream.onmessage = ({ data }) => show('stream', data)
stream.onerror = async () => {
  stream.close()
  show('stream', t.closed(await why()), true)
}

const socket = new WebSocket(new URL('/h5/ws', location.href.replace(/^http/, 'ws')), 'echo')
socket.onopen = () => socket.send('hello')
socket.onmessage = ({ data }) => show('socket', `${t.said}: ${data}`)
socket.onclose = ({ code }) => show('socket', t.closed(code), true)

const actions = {
  call: async () => status(await call('webCall', '/h5/api/hello')),
  order: async () => status(await call('webOrder', '/h5/api/orders', { method: 'POST', body: '{"item":"tea"}' })),
  logout: async () => status(await call('webLogout', '/auth/logout', { method: 'POST' })),
}
for (const [id, run] of Object.entries(actions)) {
  document.getElementById(id).addEventListener('click', async () => {
    const text = await run().catch(error => error.message)
    show('answer', text, !text.startsWith('2'))
  })
}
