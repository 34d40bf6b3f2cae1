import { ignore } from './platform'

const flights = new WeakMap<object, Record<string, Promise<any>>>()

/** Joins the work of this name that is in flight for `owner`, or starts it; `anew` starts it in any case, after that. */
export function singleFlight<T>(owner: object, name: string, start: () => Promise<T>, anew?: boolean): Promise<T> {
  const inFlight = flightsOf(owner)
  const earlier = inFlight[name]
  if (earlier && !anew) return earlier
  const flight = earlier ? earlier.then(start, start) : start()
  const done = () => {
    if (inFlight[name] === flight) delete inFlight[name]
  }
  inFlight[name] = flight
  flight.then(done, done)
  return flight
}

/** Resolves when no work of this name is in flight. */
export async function whenIdle(owner: object, name: string): Promise<void> {
  const flight = flightsOf(owner)[name]
  if (flight) await flight.then(ignore, ignore)
}

function flightsOf(owner: object): Record<string, Promise<any>> {
  const inFlight = flights.get(owner) || {}
  flights.set(owner, inFlight)
  return inFlight
}
