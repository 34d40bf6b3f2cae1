import { isRefusal } from './answer'
import { addEvents, listen } from './events'
import type { Platform } from './index'
import { assign, call, ignore } from './platform'
import { bearer, type Session } from './session'

const events = ['Open', 'Message', 'Error', 'Close']

/**
 * The socket task that a caller holds while the login comes first; without a session the socket leads elsewhere and gets
 * no token.
 *
 * A handshake that fails tells no status code, so the gateway is asked whether the token was the cause; then the user is
 * logged in and the socket opened once more, and the listeners hear nothing of it.
 */
export interface Socket {
  /** The methods of `wx` socket tasks, for the caller. */
  face: any
  /** Begins to connect; resolves, as connectSocket itself does, before the socket is open. */
  connect(): Promise<any>
}

export function newSocket(platform: Platform, options: any, session?: Session): Socket {
  const face: any = { send, close }
  const emit = addEvents(face, events)
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
    // Taro promises its task, and fails that promise too.
    real = await task
    if (real) watch(real, token, first)
    return begun
  }

  function watch(task: any, token: string, first: boolean): void {
    let withheld: Array<() => void> | undefined
    listen(task, events, (event, detail) => {
      if (task !== real) return
      const report = () => emit(event, detail)
      if (event === events[0]) first = false
      if (withheld) withheld.push(report)
      else if (!first) report()
      else mend(token, (withheld = [report])).then(() => (first = false, withheld = undefined))
    })
  }

  /** Opens the socket under a new token if the old one was refused; else lets out what was withheld. */
  async function mend(token: string, withheld: Array<() => void>): Promise<void> {
    if (session && isRefusal(await session.probe(token)) && !closed) {
      session.refuse(token)
      const mended = await session.token().then(next => dial(next, false)).then(() => true, ignore)
      if (mended) return
    }
    withheld.forEach(report => report())
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

  return { face, connect }
}
