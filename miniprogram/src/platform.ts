import type { Callbacks, Platform } from './types'

/** The calls that send a token over HTTP. */
export type Api = 'request' | 'uploadFile' | 'downloadFile'

/** The platform's argument of `success`, for any status code. */
export interface Result {
  statusCode: number
  data?: any
  header?: Record<string, any>
  errMsg?: string
  [key: string]: any
}

/** Object.assign under a name that a minifier can shorten. */
export const { assign } = Object

export const ignore = (): void => {}

/** Makes one call of the platform. Its task, if it has one, is passed to `attach` at once. */
export function call(platform: Platform, api: Api | 'login' | 'connectSocket', options: object, attach: (task: any) => void = ignore): Promise<any> {
  return new Promise((success, fail) => {
    const task = platform[api](assign({}, options, { success, fail, complete: ignore }))
    // Taro's tasks are promises that reject in addition to the callback: one report of a failure is enough.
    if (task && task.catch) task.catch(ignore)
    if (task) attach(task)
  })
}

/** Calls the caller's callbacks too. If there are any, they report a failure, and the promise needs no catch. */
export function withCallbacks<T>(promise: Promise<T>, { success, fail, complete }: Callbacks<any>): Promise<T> {
  if (success || fail || complete) promise.then(callBoth(success, complete), callBoth(fail, complete))
  return promise
}

/** Returns a function that calls both callbacks, if they are set. */
export function callBoth(first: (outcome: any) => void = ignore, last: (outcome: any) => void = ignore): (outcome: any) => void {
  return outcome => {
    try {
      first(outcome)
    } finally {
      last(outcome)
    }
  }
}
