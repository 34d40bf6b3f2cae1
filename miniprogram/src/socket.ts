import { addEvents, listen } from './events'
import { assign, call, ignore, callBoth } from './platform'
import { errorCode, isAuthError } from './response'
import { bearer, type Session } from './session'
import type { Platform, Proof } from './types'

const events = ['Open', 'Message', 'Error', 'Close']

/**
 * A socket task, from before the login. Without a session, the socket is one of another server and gets no token.
 *
 * A failed handshake has no status code, so the token is checked at the gateway. If it was refused, or if the proof may have
 * been the cause, the socket is opened once more (after a login), and the listeners get no event of the failure.
 */
export interface Socket {
  /** The object with the methods of a `wx` socket task that the caller gets. */
  handle: any
  /** Starts to connect; resolves before the socket is open, like connectSocket itself. */
  dial(): Promise<any>
}

export function newSocket(platform: Platform, options: any, session?: Session, proof?: Proof): Socket {
  const handle: any = { send, close }
  const emit = addEvents(handle, events)
  const logouts = session && session.logouts()
  let current: any
  let closed = false

  async function dial(): Promise<any> {
    try {
      const token = session ? await session.currentToken() : ''
      return await connect(token, !!token)
    } catch (error) {
      if (!closed) emit('Error', error)
      throw error
    }
  }

  async function connect(token: string, first: boolean): Promise<any> {
    let sent = assign({}, options, { header: assign({}, options.header, token && bearer(token)) })
    if (session && proof) sent = await proof.sign('connectSocket', sent)
    if (closed) throw { errMsg: 'connectSocket:fail closed' }
    let task: any
    const started = call(platform, 'connectSocket', sent, own => (task = own))
    started.catch(ignore)
    // Taro returns a promise of its task, and rejects that promise too.
    current = await task
    if (current) receiveEvents(current, token, sent, first)
    return started
  }

  /** Passes the task's events to the listeners. Those of a failure before the first Open are held back while the socket is opened again. */
  function receiveEvents(task: any, token: string, sent: any, first: boolean): void {
    let buffered: Array<() => void> | undefined
    listen(task, events, (event, detail) => {
      if (task !== current) return
      const report = () => emit(event, detail)
      if (event === events[0]) first = false
      if (buffered) buffered.push(report)
      else if (!first) report()
      else reconnect(token, sent, (buffered = [report])).then(() => (first = false, buffered = undefined))
    })
  }

  /** Opens the socket again if its token was refused or its proof may have been; else emits the buffered events. */
  async function reconnect(token: string, sent: any, buffered: Array<() => void>): Promise<void> {
    if (session && (await isWorthAnotherTry(session, token, sent)) && !closed) {
      const reconnected = await session.currentToken(logouts).then(next => connect(next, false)).then(() => true, ignore)
      if (reconnected) return
    }
    buffered.forEach(report => report())
  }

  async function isWorthAnotherTry(session: Session, token: string, sent: any): Promise<unknown> {
    const result = await session.checkToken(token)
    if (!isAuthError(errorCode(result))) return proof && proof.adapt(sent, result)
    session.dropToken(token)
    return true
  }

  function send(option: any): void {
    if (current) return current.send(option)
    callBoth(option.fail, option.complete)({ errMsg: 'sendSocketMessage:fail not connected' })
  }

  function close(option: any = {}): void {
    const { code = 1000, reason = '', success, complete } = option
    closed = true
    if (current) return current.close(option)
    callBoth(success, complete)({ errMsg: 'closeSocket:ok' })
    emit('Close', { code, reason })
  }

  return { handle, dial }
}
