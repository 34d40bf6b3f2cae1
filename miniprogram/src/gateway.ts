import { hasHeaders, headerOf, without } from './header'
import { assign, call, ignore, withCallbacks, type Api, type Result } from './platform'
import { dataOf, errorCode, isAuthError } from './response'
import { retryDelay, sleep } from './retry'
import { bearer, newSession } from './session'
import { newSocket } from './socket'
import { newTask, type Task } from './task'
import type { Gateway, GatewayOptions, Platform } from './types'
import { absolute, isUnder, parseBase } from './url'

declare const wx: Platform

/** Implements createGateway of index.ts. */
export function newGateway(options: GatewayOptions): Gateway {
  const base = parseBase(options)
  const { platform = wx, appid = '', proof } = options
  const auth = base + '/' + (options.auth || 'auth').replace(/^\/+|\/+$/g, '')
  const session = newSession(auth, 'wxgate:' + base + ':' + appid, platform, options)

  /** Starts a call, and returns a promise that is also its task. `logouts` is the number of logouts when the call was made. */
  function start(api: Api, given: any, logouts = session.logouts()): any {
    let handle: any
    const promise = new Promise((resolve, reject) => {
      const task = newTask(api, reject)
      handle = task.handle
      sendUnderBase(api, given, task, logouts).then(result => (resolve(result), task.flush()), reject)
    })
    return assign(withCallbacks(promise, given), handle)
  }

  async function sendUnderBase(api: Api, given: any, task: Task, logouts: number): Promise<Result> {
    const url = absolute(base, given.url)
    if (!isUnder(base, url)) return send(api, assign({}, given, { url }), task)
    const method = api === 'uploadFile' ? 'POST' : (given.method || 'GET').toUpperCase()
    const safe = !/^(POST|PATCH)$/.test(method)
    let refusals = 0
    for (let attempts = 1; ; ) {
      const token = await session.currentToken(logouts)
      let sent = prepare(given, url, method, token)
      if (proof) sent = await proof.sign(api, sent)
      const result = await send(api, sent, task)
      session.replaceToken(token, headerOf(result, 'x-session-token'))
      const code = await errorCodeOf(result, token)
      const refused = isAuthError(code)
      if (refused) session.dropToken(token)
      // After a refused token, storage may have another one that has also ended; after one from a new login, no retry helps.
      const repeat = refused
        ? refusals++ < (session.isFromLogin(token) ? 1 : 2)
        : proof && (await proof.adapt(sent, result, code)) && refusals++ < 3
      const wait = repeat ? 0 : retryDelay(result, safe, attempts++)
      if (wait === undefined || logouts !== session.logouts()) return result
      await sleep(wait)
    }
  }

  async function send(api: Api, options: any, task: Task): Promise<Result> {
    if (task.aborted()) throw { errMsg: api + ':fail abort' }
    const result = await call(platform, api, options, task.attach)
    if (!hasHeaders(result)) result.header = task.headerSeen()
    return result
  }

  /** The gateway's error code. A 401 without headers may be the backend's own, so the token is checked at the gateway. */
  async function errorCodeOf(result: Result, token: string): Promise<string> {
    return errorCode(result.statusCode === 401 && !hasHeaders(result) ? await session.checkToken(token) : result)
  }

  function connectSocket(given: any): any {
    const root = base.replace(/^http/, 'ws')
    const url = absolute(root, given.url)
    const under = isUnder(root, url)
    const { handle, dial } = newSocket(platform, assign({}, given, { url }), under ? session : undefined, proof)
    const task = withCallbacks(dial(), given).then(() => assign({}, handle))
    // A failure is reported to onError.
    task.catch(ignore)
    return assign(task, handle)
  }

  /** Calls one of the gateway's own endpoints. */
  async function callEndpoint(name: string, path: string, data?: any, method = 'POST', logouts?: number): Promise<any> {
    return dataOf(name, await start('request', { url: auth + path, method, data }, logouts))
  }

  /** Like callEndpoint. On session_key_stale it logs in, so that the user's next attempt succeeds. */
  async function callWithSessionKey(name: string, path: string, data: any, method?: string): Promise<any> {
    const logouts = session.logouts()
    try {
      return await callEndpoint(name, path, data, method, logouts)
    } catch (error) {
      if ((error as any).code === 'session_key_stale') await session.logIn('', logouts).catch(ignore)
      throw error
    }
  }

  async function ensure(sessionKey?: boolean): Promise<any> {
    const logouts = session.logouts()
    const callOwn = (path: string, method?: string) => callEndpoint('ensureSession', path, undefined, method, logouts)
    await session.renewIfDue()
    const info = await callOwn('/session', 'GET')
    if (sessionKey && !(await callOwn('/check')).valid) await session.logIn('', logouts)
    return info
  }

  /** If the user has refused, there is no code: the error is WeChat's own. */
  async function bindPhone(detail: any): Promise<any> {
    const { code, encryptedData, errMsg = 'bindPhone:fail no code', errno } = detail
    if (!code && !encryptedData) throw assign(new Error(errMsg), { errMsg, errno })
    return callWithSessionKey('bindPhone', '/phone', pick(detail, code ? ['code'] : ['encryptedData', 'iv']))
  }

  async function webviewURL(next: string): Promise<string> {
    return base + (await callEndpoint('webviewURL', '/ticket', { next })).path
  }

  return {
    request: (given: any, more?: any) => start('request', typeof given === 'string' ? assign({}, more, { url: given }) : given),
    uploadFile: given => start('uploadFile', given),
    downloadFile: given => start('downloadFile', given),
    connectSocket,
    login: (given = {}) => withCallbacks(session.logIn(given.phoneCode, undefined, given.prefetched), given),
    logout: (given = {}) => withCallbacks(session.logout(pick(given, ['all', 'resetKey']), given.all || given.resetKey), given),
    ensureSession: (given = {}) => withCallbacks(ensure(given.sessionKey), given),
    bindPhone: given => withCallbacks(bindPhone(given), given),
    setProfile: given => withCallbacks(callWithSessionKey('setProfile', '/profile', profileBody(given), 'PUT'), given),
    webviewURL,
  }
}

/** The caller's options with the token, and with a method that wx supports. */
function prepare(given: any, url: string, method: string, token: string): any {
  const header: Record<string, any> = assign(without(given.header, /^authorization$/i), bearer(token))
  const options: any = assign({}, given, { url, header })
  if (method === 'PATCH') {
    header['X-HTTP-Method-Override'] = method
    options.method = 'POST'
  }
  return options
}

/** The body of PUT /profile for a profile, or for the signed result of wx.getUserProfile. */
function profileBody(given: any): object {
  return pick(given, given.rawData ? ['rawData', 'signature', 'encryptedData', 'iv'] : ['nickname', 'avatarUrl', 'avatar_url'])
}

/** The named fields, with the gateway's names: avatarUrl becomes avatar_url. */
function pick(given: any, names: string[]): object {
  const picked: any = {}
  for (const name of names) {
    if (given[name] !== undefined) picked[name.replace(/[A-Z]/, letter => '_' + letter.toLowerCase())] = given[name]
  }
  return picked
}
