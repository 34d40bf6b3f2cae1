import { addEvents, listen } from './events'
import { assign, call, ignore } from './platform'
import { isAuthError } from './response'
import { bearer, type Session } from './session'
import type { Platform } from './types'

const events = ['Open', 'Message', 'Error', 'Close']

/**
 * A socket task, from before its login; without a session the socket leads elsewhere and gets no token.
 *
 * A handshake that fails tells no status code, so the gateway is asked whether the token was the cause; then the user is
 * logged in and the socket is opened once more, without an event to the listeners.
 */
export interface Socket {
  /** The methods of `wx` socket tasks, for the caller. */
  handle: any
  /** Starts connecting; resolves, as connectSocket itself does, before the socket is open. */
  connect(): Promise<any>
}

export function newSocket(platform: Platform, options: any, session?: Session): Socket {
  const handle: any = { send, close }
  const emit = addEvents(handle, events)
  let real: any
  let closed = false

  async function connect(): Promise<any> {
    try {
      const token = session ? await session.token() : ''
      if (closed) throw { errMsg: 'connectSocket:fail closed' }
      return await dial(token, !!token)
    } catch (error) {
      if (!closed) emit('Error', error)
      throw error
    }
  }

  async function dial(token: string, first: boolean): Promise<any> {
    const header = assign({}, options.header, token && bearer(token))
    let task: any
    const begun = call(platform, 'connectSocket', assign({}, options, { header }), started => (task = started))
    begun.catch(ignore)
    // Taro returns a promise of its task, and rejects that promise too.
    real = await task
    if (real) watch(real, token, first)
    return begun
  }

  function watch(task: any, token: string, first: boolean): void {
    let buffered: Array<() => void> | undefined
    listen(task, events, (event, detail) => {
      if (task !== real) return
      const report = () => emit(event, detail)
      if (event === events[0]) first = false
      if (buffered) buffered.push(report)
      else if (!first) report()
      else reconnect(token, (buffered = [report])).then(() => (first = false, buffered = undefined))
    })
  }

  /** Opens the socket under a new token if the old one was refused; else emits the buffered events. */
  async function reconnect(token: string, buffered: Array<() => void>): Promise<void> {
    if (session && isAuthError(await session.checkToken(token)) && !closed) {
      session.dropToken(token)
      const reconnected = await session.token().then(next => dial(next, false)).then(() => true, ignore)
      if (reconnected) return
    }
    buffered.forEach(report => report())
  }

  function send(option: any): void {
    if (real) return real.send(option)
    const { fail = ignore, complete = ignore } = option
    const error = { errMsg: 'sendSocketMessage:fail not connected' }
    fail(error)
    complete(error)
  }

  function close(option: any = {}): void {
    const { code = 1000, reason = '', success = ignore, complete = ignore } = option
    closed = true
    if (real) return real.close(option)
    const done = { errMsg: 'closeSocket:ok' }
    success(done)
    complete(done)
    emit('Close', { code, reason })
  }

  return { handle, connect }
}
