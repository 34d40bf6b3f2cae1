import { ignore } from './platform'

const states = new WeakMap<object, Record<string, any>>()

/** What all gateways over the same storage share. */
export function sharedState(storage: object): Record<string, any> {
  const state = states.get(storage) || {}
  states.set(storage, state)
  return state
}

/** Joins the work of this name that is in flight in `state`, or starts it; `anew` starts it in any case, after that. */
export function singleFlight<T>(state: Record<string, Promise<T>>, name: string, start: () => Promise<T>, anew?: boolean): Promise<T> {
  const earlier = state[name]
  if (earlier && !anew) return earlier
  const flight = earlier ? earlier.then(start, start) : start()
  const done = () => {
    if (state[name] === flight) delete state[name]
  }
  state[name] = flight
  flight.then(done, done)
  return flight
}

/** Resolves when no work of this name is in flight. */
export async function whenIdle(state: Record<string, any>, name: string): Promise<void> {
  const flight = state[name]
  if (flight) await flight.then(ignore, ignore)
}
