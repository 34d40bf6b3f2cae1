type Listener = (detail: any) => void

/** Gives `handle` an on… and an off… method for each event, as wx tasks have them, and returns what calls the listeners. */
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

/** Receives every event of the platform's task, as far as it has them. */
export function listen(task: any, events: string[], receive: (event: string, detail: any) => void): void {
  for (const event of events) {
    if (task['on' + event]) task['on' + event]((detail: any) => receive(event, detail))
  }
}
