import { ignore } from './platform'

const states = new WeakMap<object, Record<string, any>>()

/** The state shared by all gateways with the same storage. */
export function sharedState(storage: object): Record<string, any> {
  const state = states.get(storage) || {}
  states.set(storage, state)
  return state
}

/** Returns the running promise of this name in `state`, or starts one; with `afterRunning` it starts another one when the running one has settled. */
export function singleFlight<T>(state: Record<string, Promise<T>>, name: string, start: () => Promise<T>, afterRunning?: boolean): Promise<T> {
  const earlier = state[name]
  if (earlier && !afterRunning) return earlier
  const running = earlier ? earlier.then(start, start) : start()
  const done = () => {
    if (state[name] === running) delete state[name]
  }
  state[name] = running
  running.then(done, done)
  return running
}

/** Resolves when the running promise of this name, if any, has settled. */
export async function whenIdle(state: Record<string, any>, name: string): Promise<void> {
  const running = state[name]
  if (running) await running.then(ignore, ignore)
}
