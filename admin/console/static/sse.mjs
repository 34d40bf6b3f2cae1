// A parser of server-sent events. EventSource can't send a token in a header, so the stream
// is read with fetch.

/** Returns a function that accepts chunks of text, and calls onEvent with the kind and data of each complete event. */
export function eventParser(onEvent) {
  let rest = ''
  return text => {
    rest += text
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = parseEvent(rest.slice(0, end))
      rest = rest.slice(end + 2)
      if (event.data !== undefined) onEvent(event.kind, event.data)
    }
  }
}

function parseEvent(block) {
  const event = { kind: 'message', data: undefined }
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const value = line.slice(colon + 1).replace(/^ /, '')
    if (line.startsWith('event:')) event.kind = value
    if (line.startsWith('data:')) event.data = event.data === undefined ? value : `${event.data}\n${value}`
  }
  return event
}
