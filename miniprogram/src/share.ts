import { ignore } from './platform'

const flights = new WeakMap<object, Record<string, Promise<any>>>()

/** Joins the work of this name that is under way for `owner`, or starts it; `anew` starts it in any case, after that. */
export function share<T>(owner: object, name: string, start: () => Promise<T>, anew?: boolean): Promise<T> {
  const under = flightsOf(owner)
  const earlier = under[name]
  if (earlier && !anew) return earlier
  const flight = earlier ? earlier.then(start, start) : start()
  const done = () => {
    if (under[name] === flight) delete under[name]
  }
  under[name] = flight
  flight.then(done, done)
  return flight
}

/** Resolves when no work of this name is under way. */
export async function idle(owner: object, name: string): Promise<void> {
  const flight = flightsOf(owner)[name]
  if (flight) await flight.then(ignore, ignore)
}

function flightsOf(owner: object): Record<string, Promise<any>> {
  const under = flights.get(owner) || {}
  flights.set(owner, under)
  return under
}
