type Listener = (detail: any) => void

/** Adds an on… and an off… method for each event to `handle`, as in wx tasks, and returns a function that calls the listeners. */
export function addEvents(handle: any, events: string[]): (event: string, detail: any) => void {
  const listeners: Record<string, Listener[]> = {}
  for (const event of events) {
    listeners[event] = []
    handle['on' + event] = (listener: Listener) => {
      listeners[event] = listeners[event].concat(listener)
    }
    handle['off' + event] = (listener?: Listener) => {
      listeners[event] = listeners[event].filter(other => listener && other !== listener)
    }
  }
  return (event, detail) => listeners[event].forEach(listener => listener(detail))
}

/** Calls `receive` for every event that the platform's task supports. */
export function listen(task: any, events: string[], receive: (event: string, detail: any) => void): void {
  for (const event of events) {
    if (task['on' + event]) task['on' + event]((detail: any) => receive(event, detail))
  }
}
