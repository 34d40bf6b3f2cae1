import { addEvents, listen } from './events'
import type { Api } from './platform'
import { errorCode } from './response'

const events = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate']

/**
 * The task of a call, from before the login until its last attempt.
 *
 * Listeners and abort work from the start. The events of an attempt whose response isn't returned to the caller, such as the
 * chunks of a 401's body, are not passed to the listeners.
 */
export interface Task {
  /** The object with the methods of a `wx` task that the caller gets. */
  handle: any
  /** Whether the caller has aborted. */
  aborted(): boolean
  /** Listens to the platform's task of a new attempt. */
  attach(real: any): void
  /** The headers of the current attempt, for calls whose result has none. */
  headerSeen(): Record<string, any> | undefined
  /** Emits the buffered events of the last attempt, whose response the caller gets. */
  flush(): void
}

export function newTask(api: Api, fail: (error: any) => void): Task {
  const handle: any = { abort }
  const emit = addEvents(handle, events)
  let aborted = false
  let current: any
  let header: Record<string, any> | undefined
  let buffered: Array<() => void> | undefined

  function abort(): void {
    aborted = true
    if (current) current.abort()
    fail({ errMsg: api + ':fail abort' })
  }

  function receive(event: string, detail: any): void {
    if (event === events[0]) {
      header = detail.header
      if (errorCode(detail)) buffered = []
    }
    if (buffered) buffered.push(() => emit(event, detail))
    else emit(event, detail)
  }

  return {
    handle,
    aborted: () => aborted,
    attach(real) {
      current = real
      header = buffered = undefined
      listen(real, events, receive)
    },
    headerSeen: () => header,
    flush() {
      if (buffered) buffered.forEach(report => report())
    },
  }
}
