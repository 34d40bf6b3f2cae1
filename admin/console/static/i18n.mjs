// The page's texts. Each is a string, a function of the values in it, or a table of texts by key.

const texts = {
  en: {
    otherLanguage: '中文', signOut: 'Sign out', signIn: 'Sign in', token: 'Admin token',
    signInLead: 'Sign in with one of admin.tokens that has the scope admin.',
    signInHint: 'The token is kept only in this page’s memory, until the page is closed or reloaded. If the gateway has no admin.tokens yet, add one to its configuration; wxgate keygen prints a value.',
    wrongScope: 'This token is valid, but does not have the scope admin.',
    unreachable: 'The gateway does not respond.', refusedNow: message => `Signed out: ${message}`,
    lost: 'The connection to the gateway is lost. Reconnecting …', draining: 'This instance is shutting down: it completes the requests in flight.',
    overview: 'Overview', upstreams: 'Upstreams', routes: 'Routes', users: 'Users', config: 'Configuration', audit: 'Audit trail',
    thisInstance: (version, up) => `${version} · up ${up}`, someApps: apps => `This token is limited to ${apps}; views of the whole gateway are not shown.`,
    perSecond: 'Requests per second', p50: 'p50', p99: 'p99', inFlight: 'In flight', sockets: 'WebSockets', sessions: 'Sessions', watched: 'Tracked',
    sessionsHint: 'Active sessions in this instance’s cache', watchedHint: 'Requests, streams and WebSockets that end with their session',
    lastMinute: 'last minute', sinceStart: 'since start', requests: 'Requests', failures: '5xx', latency: 'Duration', errorsByCode: 'Errors of the gateway, by code', noErrors: 'None in the last minute, none since the start.',
    code: 'Code', answers: 'Responses', perSecondUnit: n => `${n}/s`,
    dependencies: 'Redis and configuration', redis: 'Redis', store: 'Store', reachable: 'reachable', unreachableShort: 'unreachable', problem: 'Problem',
    started: 'Sessions started', ended: 'Sessions ended', configApplied: 'Configuration of', lastReload: 'Last reload', applied: 'applied', refused: 'refused: see the log', startedAt: 'Started',
    wechat: 'WeChat, by app', app: 'App', appAndCircuits: 'App and circuit breakers', accessToken: 'Access token', noToken: 'not fetched yet', tokenLeft: left => `${left} left`,
    circuit: { closed: 'closed', 'half-open': 'half-open', open: 'open' },
    route: 'Route', target: 'Target', address: 'Address', state: 'State', weight: 'Weight', balance: 'Balance', lastFailure: 'Last failure', until: 'until', none: 'none',
    health: { healthy: 'healthy', unhealthy: 'unhealthy', ejected: 'ejected', half_open: 'half-open' },
    healthHint: 'unhealthy: the active check failed. ejected: after consecutive failures, until the time shown; then half-open: it gets one request per second.',
    explain: 'Explain a request', method: 'Method', url: 'URL or path', userToken: 'Token of the request (optional)', explainAction: 'Explain',
    explainHint: 'The rules are applied, but the request is not forwarded. With a token it counts as a use of that session.',
    step: { passed: 'passed', refused: 'refused', skipped: 'skipped' }, forwarded: 'Forwarded', ownEndpoint: 'Handled by the gateway itself', goesTo: 'Goes to', as: 'as', session: 'Session', headers: 'Identity headers', validUntil: 'valid until',
    order: 'Routes in the order in which they are matched', path: 'Path', host: 'Host', methods: 'Methods', asksFor: 'Requires', name: 'Name', any: 'any', rate: 'Rate', proof: 'proof', phoneAsked: 'phone', oneOf: roles => `one of: ${roles}`,
    findUser: 'Find a user', by: 'By', value: 'Value', allApps: 'all apps', find: 'Find', kinds: { openid: 'openid', phone: 'Phone', user_id: 'User id', unionid: 'UnionID' },
    nobody: 'No user found.', userID: 'User id', unionID: 'UnionID', roles: 'Roles', phone: 'Phone', nickname: 'Nickname', firstLogin: 'First login', lastLogin: 'Last login', ban: 'Ban', forGood: 'permanent', never: 'never',
    noSessions: 'No sessions.', kind: 'Kind', kindOf: { bearer: 'mini program', web: 'web page' }, created: 'Created', lastUse: 'Last use', ends: 'Ends', sid: 'Session id',
    end: 'End', endAll: 'End all sessions', banAction: 'Ban', unbanAction: 'Lift the ban', cancel: 'Cancel',
    endTitle: 'End this session?', endText: 'It ends on every instance within a second; its WebSockets and streams are closed. The user can log in again.',
    endAllTitle: 'End all sessions of this user?', endAllText: n => `${n} sessions end on every instance within a second. The user can log in again.`,
    banTitle: 'Ban this user?', banText: 'The sessions of the user end, and logins are refused until the ban ends.', reason: 'Reason (not shown to the user)', howLong: 'Duration',
    lengths: { 0: 'permanent', 3600: '1 hour', 86400: '1 day', 604800: '7 days', 2592000: '30 days' },
    unbanTitle: 'Lift the ban?', unbanText: 'The user can log in again at once.',
    done: { ended: n => `${n} session${n === 1 ? '' : 's'} ended.`, banned: 'The user is banned.', unbanned: 'The ban is lifted.' },
    configTitle: 'Effective configuration, secrets hidden', lead: 'The configuration in force, including defaults, as wxgate check prints it.',
    trail: 'Trail', trails: { admin: 'changes by operators', wechat: 'use of session_key for backends', token: 'access tokens handed out' }, auditLead: 'The newest 1,000 entries of each trail are kept. The log has all of them.',
    time: 'Time', actor: 'Actor', action: 'Action', subject: 'Subject', result: 'Result', from: 'From', ok: 'done', older: 'Older', empty: 'No entries yet.', failed: message => `Failed: ${message}`,
    actions: { ban: 'ban', unban: 'lift ban', end_session: 'end session', end_all_sessions: 'end all sessions', end_app_sessions: 'end all of app', decrypt: 'decrypt', sign: 'sign', access_token: 'access token' },
  },
  zh: {
    otherLanguage: 'English', signOut: '退出登录', signIn: '登录', token: '管理 token',
    signInLead: '请用 admin.tokens 中带 admin 权限的 token 登录。',
    signInHint: 'token 只保存在本页面的内存里，关闭或刷新页面后即消失。如果网关还没有配置 admin.tokens，请先在配置中添加；wxgate keygen 可以生成 token 的值。',
    wrongScope: 'token 有效，但没有 admin 权限。',
    unreachable: '网关没有响应。', refusedNow: message => `已退出登录：${message}`,
    lost: '与网关的连接已断开，正在重连……', draining: '本实例即将停止，正在处理完剩余的请求。',
    overview: '总览', upstreams: '后端', routes: '路由', users: '用户', config: '配置', audit: '审计',
    thisInstance: (version, up) => `${version} · 已运行 ${up}`, someApps: apps => `此 token 仅限 ${apps}，不显示整个网关的视图。`,
    perSecond: '每秒请求数', p50: 'p50', p99: 'p99', inFlight: '处理中', sockets: 'WebSocket', sessions: '会话', watched: '跟踪中',
    sessionsHint: '本实例缓存里的活跃会话', watchedHint: '随会话结束的请求、流和 WebSocket',
    lastMinute: '最近一分钟', sinceStart: '启动以来', requests: '请求', failures: '5xx', latency: '耗时', errorsByCode: '网关自身的错误（按错误码）', noErrors: '最近一分钟和启动以来都没有错误。',
    code: '错误码', answers: '响应', perSecondUnit: n => `${n}/秒`,
    dependencies: 'Redis 与配置', redis: 'Redis', store: '存储', reachable: '可用', unreachableShort: '不可用', problem: '问题',
    started: '已创建会话', ended: '已结束会话', configApplied: '配置生效于', lastReload: '上次重新加载', applied: '已生效', refused: '被拒绝，见日志', startedAt: '启动于',
    wechat: '微信（按小程序）', app: '小程序', appAndCircuits: '小程序与熔断器', accessToken: 'access_token', noToken: '尚未获取', tokenLeft: left => `剩余 ${left}`,
    circuit: { closed: '关闭', 'half-open': '半开', open: '打开' },
    route: '路由', target: '后端地址', address: '地址', state: '状态', weight: '权重', balance: '负载均衡', lastFailure: '最近一次失败', until: '至', none: '无',
    health: { healthy: '健康', unhealthy: '不健康', ejected: '已摘除', half_open: '半开' },
    healthHint: '不健康：主动检查未通过。已摘除：连续失败后停止转发到所示时间，之后为半开，每秒放行一个请求。',
    explain: '预演请求', method: '方法', url: 'URL 或路径', userToken: '请求的 token（可留空）', explainAction: '预演',
    explainHint: '只按规则预演，不会转发请求。带 token 时算作该会话的一次使用。',
    step: { passed: '通过', refused: '拒绝', skipped: '跳过' }, forwarded: '转发', ownEndpoint: '由网关自身响应', goesTo: '转发到', as: '路径为', session: '会话', headers: '身份请求头', validUntil: '有效至',
    order: '路由（按匹配顺序）', path: '路径', host: '主机', methods: '方法', asksFor: '要求', name: '名称', any: '任意', rate: '限流', proof: '请求签名', phoneAsked: '手机号', oneOf: roles => `角色之一：${roles}`,
    findUser: '查找用户', by: '按', value: '值', allApps: '全部小程序', find: '查找', kinds: { openid: 'openid', phone: '手机号', user_id: '用户 ID', unionid: 'UnionID' },
    nobody: '没有找到用户。', userID: '用户 ID', unionID: 'UnionID', roles: '角色', phone: '手机号', nickname: '昵称', firstLogin: '首次登录', lastLogin: '最近登录', ban: '封禁', forGood: '永久', never: '从未',
    noSessions: '没有会话。', kind: '类型', kindOf: { bearer: '小程序', web: '网页' }, created: '创建时间', lastUse: '最近使用', ends: '到期', sid: '会话 ID',
    end: '结束', endAll: '结束全部会话', banAction: '封禁', unbanAction: '解除封禁', cancel: '取消',
    endTitle: '结束此会话？', endText: '一秒内在所有实例上失效，其 WebSocket 和流会被关闭。用户可以重新登录。',
    endAllTitle: '结束该用户的全部会话？', endAllText: n => `${n} 个会话将在一秒内于所有实例上失效。用户可以重新登录。`,
    banTitle: '封禁该用户？', banText: '其会话全部结束，封禁期间拒绝登录。', reason: '原因（不会显示给用户）', howLong: '时长',
    lengths: { 0: '永久', 3600: '1 小时', 86400: '1 天', 604800: '7 天', 2592000: '30 天' },
    unbanTitle: '解除封禁？', unbanText: '用户可以立即重新登录。',
    done: { ended: n => `已结束 ${n} 个会话。`, banned: '已封禁该用户。', unbanned: '已解除封禁。' },
    configTitle: '生效的配置（密钥已隐藏）', lead: '当前生效的全部配置，含默认值，与 wxgate check 的输出一致。',
    trail: '记录', trails: { admin: '运维人员的操作', wechat: '后端使用 session_key', token: '发放 access_token' }, auditLead: '每类保留最近 1,000 条，完整记录见日志。',
    time: '时间', actor: '操作者', action: '操作', subject: '对象', result: '结果', from: '来源', ok: '成功', older: '更早', empty: '暂无记录。', failed: message => `操作失败：${message}`,
    actions: { ban: '封禁', unban: '解除封禁', end_session: '结束会话', end_all_sessions: '结束全部会话', end_app_sessions: '结束小程序全部会话', decrypt: '解密', sign: '签名', access_token: 'access_token' },
  },
}

let language = typeof navigator !== 'undefined' && (navigator.language || '').toLowerCase().startsWith('zh') ? 'zh' : 'en'

export const languages = texts

/** The text of this name: a string, a function's result for `values`, or the entry of a table for the key values[0] (if there is none, the key). */
export function t(name, ...values) {
  const text = texts[language][name]
  if (typeof text === 'function') return text(...values)
  if (typeof text !== 'object') return text
  const entry = text[values[0]]
  if (entry === undefined) return String(values[0])
  return typeof entry === 'function' ? entry(...values.slice(1)) : entry
}

export function otherLanguage() {
  language = language === 'zh' ? 'en' : 'zh'
}

/** Fills in the texts of the page's markup. */
export function translate() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  for (const node of document.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t)
}
