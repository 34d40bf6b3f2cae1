import { dataOf, errorCode, isRefusal } from './answer'
import { hasHeaders, headerOf, without } from './header'
import type { Gateway, GatewayOptions, Platform } from './index'
import { assign, call, ignore, settle, type Api, type Result } from './platform'
import { patience, sleep } from './retry'
import { bearer, newSession } from './session'
import { newSocket } from './socket'
import { newTask, type Task } from './task'
import { absolute, isUnder, parseBase } from './url'

declare const wx: Platform

/** Builds the gateway that index.ts describes. */
export function build(options: GatewayOptions): Gateway {
  const { platform = wx, appid = '' } = options
  const base = parseBase(options.baseURL)
  const auth = base + '/' + (options.auth || 'auth').replace(/^\/+|\/+$/g, '')
  const session = newSession(auth, 'wxgate:' + base + ':' + appid, platform, options)

  /** Sends a call of the caller's, and gives them a promise that is a task too. */
  function begin(api: Api, given: any): any {
    let face: any
    const outcome = new Promise((resolve, reject) => {
      const task = newTask(api, reject)
      face = task.face
      deliver(api, given, task).then(result => (resolve(result), task.release()), reject)
    })
    return assign(settle(outcome, given), face)
  }

  async function deliver(api: Api, given: any, task: Task): Promise<Result> {
    const url = absolute(base, given.url)
    if (!isUnder(base, url)) return send(api, given, { url }, task)
    const method = api === 'uploadFile' ? 'POST' : (given.method || 'GET').toUpperCase()
    const safe = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/.test(method)
    let refusals = 0
    for (let tries = 1; ; ) {
      const token = await session.token()
      const result = await send(api, given, prepare(given, url, method, token), task)
      session.adopt(token, headerOf(result, 'x-session-token'))
      const refused = isRefusal(await cause(api, result, token))
      if (refused) session.refuse(token)
      // A token out of storage may be as old as the one before it; one straight from a login is the last word.
      const again = refused && refusals++ < (session.isMinted(token) ? 1 : 2)
      const wait = again ? 0 : patience(result, safe, tries++)
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
  async function cause(api: Api, result: Result, token: string): Promise<string> {
    if (api !== 'downloadFile' || result.statusCode !== 401 || hasHeaders(result)) return errorCode(result)
    return session.probe(token)
  }

  function connectSocket(given: any): any {
    const root = base.replace(/^http/, 'ws')
    const url = absolute(root, given.url)
    const { face, connect } = newSocket(platform, assign({}, given, { url }), isUnder(root, url) ? session : undefined)
    const task = settle(connect(), given).then(() => assign({}, face))
    // A failure is told to onError.
    task.catch(ignore)
    return assign(task, face)
  }

  /** Calls one of the gateway's own endpoints. */
  async function ask(name: string, method: string, path: string, data?: any): Promise<any> {
    return dataOf(name, await begin('request', { url: auth + path, method, data }))
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
    await session.freshen()
    const info = await ask('ensureSession', 'GET', '/session')
    if (sessionKey && !(await ask('ensureSession', 'POST', '/check')).valid) await session.login()
    return info
  }

  return {
    request: (given: any, more?: any) => begin('request', typeof given === 'string' ? assign({}, more, { url: given }) : given),
    uploadFile: given => begin('uploadFile', given),
    downloadFile: given => begin('downloadFile', given),
    connectSocket,
    login: (given = {}) => settle(session.login(given.phoneCode), given),
    logout: (given = {}) => settle(session.logout(given.all), given),
    ensureSession: (given = {}) => settle(ensure(given.sessionKey), given),
    bindPhone: given => settle(askSigned('bindPhone', 'POST', '/phone', phoneBody(given)), given),
    setProfile: given => settle(askSigned('setProfile', 'PUT', '/profile', profileBody(given)), given),
  }
}

/** What the caller asked for, with the token, and with a method that wx knows. */
function prepare(given: any, url: string, method: string, token: string): object {
  const header: Record<string, any> = assign(without(given.header, /^authorization$/i), bearer(token))
  if (method !== 'PATCH') return { url, header }
  header['X-HTTP-Method-Override'] = method
  return { url, header, method: 'POST' }
}

/** The event detail of a phone number button, as the gateway wants it. */
function phoneBody(detail: any): object {
  return pick(detail, detail.code ? ['code'] : ['encryptedData', 'iv'])
}

/** A profile, or what wx.getUserProfile signed of it. */
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
