// The page's texts. Each is a string, or a function of what it speaks of.

const texts = {
  en: {
    otherLanguage: '中文',
    theme: { auto: 'Theme: auto', light: 'Theme: light', dark: 'Theme: dark' },
    playground: 'playground',
    lead: 'A mini program on the left, the way of each of its calls on the right. WeChat is simulated, nothing is kept.',
    lost: 'The connection to wxgate dev is lost. Is it still running? Trying again …',
    miniProgram: 'Mini program',
    user: 'User',
    newUser: '＋ new user',
    loggedOut: 'Not logged in. Calls log in by themselves.',
    loggedIn: until => `Logged in, token until ${until}`,
    login: 'Log in (wx.login)',
    call: 'Call an API',
    getPhone: 'Get phone number',
    five: '5 calls at once',
    nickname: 'Nickname',
    setProfile: 'Set profile',
    openSocket: 'Open a socket',
    closeSocket: 'Close the socket',
    openStream: 'Follow a stream',
    closeStream: 'Stop the stream',
    message: 'Message',
    send: 'Send',
    logout: 'Log out',
    logoutAll: 'Log out everywhere',
    whatIf: 'What if …',
    noToken: 'no token is sent',
    forged: 'the token is forged',
    spoof: 'the client sends X-OpenID',
    ended: 'the session ends elsewhere',
    blocked: 'WeChat blocks this user',
    busy: 'WeChat is busy',
    way: 'The way of each call',
    clear: 'Clear',
    lane0: 'Phone', lane1: 'wxgate', lane2: 'WeChat', lane3: 'Redis', lane4: 'Backend',
    empty: 'Nothing has been called yet. Press a button on the phone.',
    emptyCurl: 'Calls from elsewhere show up here too:',
    waiting: 'waiting …',
    welcome: isNew => (isNew ? 'Logged in for the first time: welcome.' : 'Logged in.'),
    gotPhone: number => `The phone number is ${number}. The backend never saw session_key.`,
    gotProfile: name => `The profile says: ${name}`,
    called: openid => `The backend was told X-OpenID: ${openid}`,
    fiveDone: logins => `5 answers, ${logins === 1 ? 'one login' : logins + ' logins'}.`,
    loggedOutNow: 'Logged out.',
    endedNow: 'Every session of the user has been ended, and the phone does not know. Call an API: the SDK logs in again by itself.',
    spoofed: openid => `The client said X-OpenID: o-somebody-else. The backend was told ${openid}.`,
    socketOpen: 'The socket is open.',
    socketClosed: code => `The socket is closed (${code}).`,
    socketSaid: text => `The backend echoed: ${text}`,
    streamSaid: text => `The backend says: ${text}`,
    streamClosed: 'The stream is closed.',
    refused: (status, code) => `Refused: ${status} ${code}`,
    failed: why => `Failed: ${why}`,
    why: {
      token_missing: 'A call without a token does not reach the backend.',
      token_invalid: 'The signature is wrong: only the gateway can make tokens.',
      token_expired: 'The token is used up.',
      session_ended: 'The session has been ended.',
      user_blocked: 'WeChat (40226) or a ban refuses this user. Logging in again would not help.',
      wechat_unavailable: 'WeChat does not answer. This is a 503 with Retry-After, never a 401, so no client logs in in a loop.',
      invalid_code: 'The code was used already or is over 5 minutes old.',
      rate_limited: 'Too many logins. Retry-After says when to come back.',
    },
    fromElsewhere: 'from elsewhere',
    headers: 'Headers', body: 'Body', query: 'Query', took: ms => `${ms} ms`,
    identity: 'set by the gateway', stripped: 'the gateway removes it',
    to: (a, b) => `${a} to ${b}: `,
    loginCode: code => `code ${code}`,
    phoneButton: 'phone number button',
    phoneCode: code => `code ${code}`,
    simulator: 'simulator',
    stored: (keys, changed) => `${keys === 1 ? '1 key' : keys + ' keys'}: ${changed}`,
    kind: { u: 'user', p: 'profile', w: 'ticket', k: 'sealed user keys', s: 'session with sealed session_key', j: 'cookie jar', t: 'sealed access token' },
    storeTitle: (keys, user) => `In Redis for ${user}: ${keys === 1 ? '1 key' : keys + ' keys'}`,
    storeEmpty: user => `In Redis for ${user}: nothing yet`,
    kept: 'for good',
    expires: left => `expires in ${left}`,
    gone: 'gone',
    changed: 'changed', isNew: 'new', sealed: bytes => `sealed (${bytes} bytes)`,
    moreMessages: n => `… ${n} earlier messages`,
    meaning: {},
  },
  zh: {
    otherLanguage: 'English',
    theme: { auto: '主题：自动', light: '主题：浅色', dark: '主题：深色' },
    playground: '演练场',
    lead: '左边是小程序，右边是每个请求走过的路。微信是模拟的，停止后什么都不保留。',
    lost: '与 wxgate dev 的连接断开了，它还在运行吗？正在重试……',
    miniProgram: '小程序',
    user: '用户',
    newUser: '＋ 新用户',
    loggedOut: '未登录。发请求时会自动登录。',
    loggedIn: until => `已登录，令牌有效至 ${until}`,
    login: '登录（wx.login）',
    call: '调用接口',
    getPhone: '获取手机号',
    five: '同时发 5 个请求',
    nickname: '昵称',
    setProfile: '保存资料',
    openSocket: '打开 WebSocket',
    closeSocket: '关闭 WebSocket',
    openStream: '接收事件流',
    closeStream: '停止事件流',
    message: '消息',
    send: '发送',
    logout: '退出登录',
    logoutAll: '退出所有设备',
    whatIf: '如果……',
    noToken: '不带令牌',
    forged: '令牌是伪造的',
    spoof: '客户端自己写 X-OpenID',
    ended: '会话在别处被结束',
    blocked: '微信封禁了该用户',
    busy: '微信系统繁忙',
    way: '每个请求走过的路',
    clear: '清空',
    lane0: '手机', lane1: 'wxgate', lane2: '微信', lane3: 'Redis', lane4: '后端',
    empty: '还没有任何请求。按一下手机上的按钮试试。',
    emptyCurl: '从别处发来的请求也会显示在这里：',
    waiting: '等待中……',
    welcome: isNew => (isNew ? '首次登录，欢迎。' : '已登录。'),
    gotPhone: number => `手机号是 ${number}。后端从未接触 session_key。`,
    gotProfile: name => `资料已保存：${name}`,
    called: openid => `后端收到 X-OpenID：${openid}`,
    fiveDone: logins => `收到 5 个响应，登录 ${logins} 次。`,
    loggedOutNow: '已退出登录。',
    endedNow: '该用户的所有会话都已结束，而手机并不知道。再调用一次接口：SDK 会自动重新登录。',
    spoofed: openid => `客户端自称 X-OpenID: o-somebody-else，后端收到的却是 ${openid}。`,
    socketOpen: 'WebSocket 已打开。',
    socketClosed: code => `WebSocket 已关闭（${code}）。`,
    socketSaid: text => `后端回显：${text}`,
    streamSaid: text => `后端推送：${text}`,
    streamClosed: '事件流已停止。',
    refused: (status, code) => `被拒绝：${status} ${code}`,
    failed: why => `失败：${why}`,
    why: {
      token_missing: '没有令牌的请求到不了后端。',
      token_invalid: '签名不对：只有网关能签发令牌。',
      token_expired: '令牌已过期。',
      session_ended: '会话已被结束。',
      user_blocked: '微信（40226）或封禁名单拒绝了该用户，重新登录也没有用。',
      wechat_unavailable: '微信没有应答。返回的是带 Retry-After 的 503，绝不是 401，客户端不会反复登录。',
      invalid_code: 'code 已被使用，或已超过 5 分钟。',
      rate_limited: '登录太频繁，Retry-After 说明多久后再试。',
    },
    fromElsewhere: '来自别处',
    headers: '请求头 / 响应头', body: '正文', query: '参数', took: ms => `${ms} 毫秒`,
    identity: '由网关设置', stripped: '会被网关删除',
    to: (a, b) => `${a}到${b}：`,
    loginCode: code => `code ${code}`,
    phoneButton: '手机号按钮',
    phoneCode: code => `code ${code}`,
    simulator: '模拟器',
    stored: (keys, changed) => `${keys} 个键：${changed}`,
    kind: { u: '用户', p: '个人资料', w: '入场票据', k: '加密的用户密钥', s: '会话（session_key 已加密）', j: 'Cookie 罐', t: '加密的 access_token' },
    storeTitle: (keys, user) => `Redis 中 ${user} 的数据：${keys} 个键`,
    storeEmpty: user => `Redis 中还没有 ${user} 的数据`,
    kept: '永久保留',
    expires: left => `${left}后过期`,
    gone: '已消失',
    changed: '有变化', isNew: '新增', sealed: bytes => `已加密（${bytes} 字节）`,
    moreMessages: n => `……还有更早的 ${n} 条消息`,
    meaning: {
      'first login': '首次登录', 'last login': '最近登录', 'user id': '用户 ID', roles: '角色', phone: '手机号',
      nickname: '昵称', avatar: '头像', 'end of the ban': '封禁截止', 'reason of the ban': '封禁原因',
      'a session, since': '一个会话，始于', created: '创建时间', 'absolute end': '最长有效至', 'last seen': '最近使用',
      'end of the newest token': '最新令牌有效至', "the user's first login": '是该用户的首次登录',
      'access token of the app': '小程序的 access_token', 'cookies of this backend': '该后端的 Cookie',
    },
  },
}

const chosen = localStorage.getItem('wxgate language')
let language = texts[chosen] ? chosen : /^zh\b/i.test(navigator.language) ? 'zh' : 'en'

/** The text of this name, made of `args` where it is a function. */
export function t(name, ...args) {
  const text = texts[language][name]
  return typeof text === 'function' ? text(...args) : text
}

/** What a field in Redis means, in the page's language. */
export const meaning = text => t('meaning')[text] || text

export const locale = () => (language === 'zh' ? 'zh-CN' : 'en-GB')

export function otherLanguage() {
  language = language === 'zh' ? 'en' : 'zh'
  localStorage.setItem('wxgate language', language)
}

/** Fills the texts of the page's own markup. */
export function translate() {
  document.documentElement.lang = locale()
  for (const node of document.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t)
  for (const node of document.querySelectorAll('[data-t-placeholder]')) node.placeholder = t(node.dataset.tPlaceholder)
}

/** The time of day of a Date or of milliseconds. */
export const clock = time => new Date(time).toLocaleTimeString(locale(), { hour12: false })

const units = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]]

/** A duration in words, by its largest unit. */
export function duration(seconds) {
  const [unit, size] = units.find(([, size]) => seconds >= size) || units[3]
  const number = new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long' })
  return number.format(Math.round(seconds / size))
}
