import { addEvents, listen } from './events'
import { headerOf } from './header'
import type { Api } from './platform'

const events = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate']

/**
 * The task that a caller holds while the call behind it waits for a login or is sent again.
 *
 * Listeners and abort work from the start. What an attempt reports that is not handed over, such as the body of a 401
 * in chunks, never reaches the listeners.
 */
export interface Task {
  /** The methods of `wx` tasks, for the caller. */
  face: any
  /** Whether the caller has given up. */
  aborted(): boolean
  /** Listens to the platform's task of a new attempt. */
  attach(real: any): void
  /** The headers of the attempt under way, for calls whose result has none. */
  header(): Record<string, any> | undefined
  /** The last attempt's answer is handed over: so is what it reported. */
  release(): void
}

export function newTask(api: Api, fail: (error: any) => void): Task {
  const face: any = { abort }
  const emit = addEvents(face, events)
  let aborted = false
  let current: any
  let header: Record<string, any> | undefined
  let withheld: Array<() => void> | undefined

  function abort(): void {
    aborted = true
    if (current) current.abort()
    fail({ errMsg: api + ':fail abort' })
  }

  function receive(event: string, detail: any): void {
    if (event === events[0]) {
      header = detail.header
      if (headerOf(detail, 'x-gateway-error')) withheld = []
    }
    if (withheld) withheld.push(() => emit(event, detail))
    else emit(event, detail)
  }

  return {
    face,
    aborted: () => aborted,
    attach(real) {
      current = real
      header = withheld = undefined
      listen(real, events, receive)
    },
    header: () => header,
    release() {
      if (withheld) withheld.forEach(report => report())
    },
  }
}
