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
  const { platform = wx, appid = '' } = options
  const base = parseBase(options.baseURL)
  const auth = base + '/' + (options.auth || 'auth').replace(/^\/+|\/+$/g, '')
  const session = newSession(auth, 'wxgate:' + base + ':' + appid, platform, options)

  /** Starts a call, and returns a promise that is its task too. */
  function start(api: Api, given: any): any {
    let handle: any
    const promise = new Promise((resolve, reject) => {
      const task = newTask(api, reject)
      handle = task.handle
      sendUnderBase(api, given, task).then(result => (resolve(result), task.flush()), reject)
    })
    return assign(withCallbacks(promise, given), handle)
  }

  async function sendUnderBase(api: Api, given: any, task: Task): Promise<Result> {
    const url = absolute(base, given.url)
    if (!isUnder(base, url)) return send(api, given, { url }, task)
    const method = api === 'uploadFile' ? 'POST' : (given.method || 'GET').toUpperCase()
    const safe = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/.test(method)
    let refusals = 0
    for (let tries = 1; ; ) {
      const token = await session.token()
      const result = await send(api, given, prepare(given, url, method, token), task)
      session.replaceToken(token, headerOf(result, 'x-session-token'))
      const refused = isAuthError(await errorCodeOf(api, result, token))
      if (refused) session.dropToken(token)
      // A token out of storage may be as old as the one before it; one straight from a login is the last word.
      const repeat = refused && refusals++ < (session.isFromLogin(token) ? 1 : 2)
      const wait = repeat ? 0 : retryDelay(result, safe, tries++)
      if (wait === undefined) return result
      await sleep(wait)
    }
  }

  async function send(api: Api, given: any, changes: object, task: Task): Promise<Result> {
    if (task.aborted()) throw { errMsg: api + ':fail abort' }
    const result = await call(platform, api, assign({}, given, changes), task.attach)
    if (!hasHeaders(result)) result.header = task.header()
    return result
  }

  /** The gateway's error code. A download without headers left the code in a file, so the gateway is asked again. */
  async function errorCodeOf(api: Api, result: Result, token: string): Promise<string> {
    if (api !== 'downloadFile' || result.statusCode !== 401 || hasHeaders(result)) return errorCode(result)
    return session.checkToken(token)
  }

  function connectSocket(given: any): any {
    const root = base.replace(/^http/, 'ws')
    const url = absolute(root, given.url)
    const { handle, connect } = newSocket(platform, assign({}, given, { url }), isUnder(root, url) ? session : undefined)
    const task = withCallbacks(connect(), given).then(() => assign({}, handle))
    // A failure is told to onError.
    task.catch(ignore)
    return assign(task, handle)
  }

  /** Calls one of the gateway's own endpoints. */
  async function ask(name: string, method: string, path: string, data?: any): Promise<any> {
    return dataOf(name, await start('request', { url: auth + path, method, data }))
  }

  /** As ask; where WeChat has a new session_key, logs in so that what the user does over again will pass. */
  async function askSigned(name: string, method: string, path: string, data: any): Promise<any> {
    try {
      return await ask(name, method, path, data)
    } catch (error) {
      if ((error as any).code === 'session_key_stale') await session.login().catch(ignore)
      throw error
    }
  }

  async function ensure(sessionKey?: boolean): Promise<any> {
    await session.renewIfDue()
    const info = await ask('ensureSession', 'GET', '/session')
    if (sessionKey && !(await ask('ensureSession', 'POST', '/check')).valid) await session.login()
    return info
  }

  return {
    request: (given: any, more?: any) => start('request', typeof given === 'string' ? assign({}, more, { url: given }) : given),
    uploadFile: given => start('uploadFile', given),
    downloadFile: given => start('downloadFile', given),
    connectSocket,
    login: (given = {}) => withCallbacks(session.login(given.phoneCode), given),
    logout: (given = {}) => withCallbacks(session.logout(given.all), given),
    ensureSession: (given = {}) => withCallbacks(ensure(given.sessionKey), given),
    bindPhone: given => withCallbacks(askSigned('bindPhone', 'POST', '/phone', phoneBody(given)), given),
    setProfile: given => withCallbacks(askSigned('setProfile', 'PUT', '/profile', profileBody(given)), given),
  }
}

/** The changes to the caller's options: the token, and a method that wx knows. */
function prepare(given: any, url: string, method: string, token: string): object {
  const header: Record<string, any> = assign(without(given.header, /^authorization$/i), bearer(token))
  if (method !== 'PATCH') return { url, header }
  header['X-HTTP-Method-Override'] = method
  return { url, header, method: 'POST' }
}

/** The body of POST /phone for the event detail of a phone number button. */
function phoneBody(detail: any): object {
  return pick(detail, detail.code ? ['code'] : ['encryptedData', 'iv'])
}

/** The body of PUT /profile for a profile, or for what wx.getUserProfile signed of it. */
function profileBody(given: any): object {
  return pick(given, given.rawData ? ['rawData', 'signature', 'encryptedData', 'iv'] : ['nickname', 'avatarUrl', 'avatar_url'])
}

/** Some fields by the names that the gateway has for them: avatarUrl becomes avatar_url. */
function pick(given: any, names: string[]): object {
  const picked: any = {}
  for (const name of names) {
    if (given[name] !== undefined) picked[name.replace(/[A-Z]/, letter => '_' + letter.toLowerCase())] = given[name]
  }
  return picked
}
