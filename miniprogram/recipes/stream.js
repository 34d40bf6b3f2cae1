function newUTF8Decoder() {
  let rest = []
  return buffer => {
    const bytes = rest.concat(Array.from(new Uint8Array(buffer)))
    let text = ''
    let at = 0
    while (at < bytes.length) {
      const first = bytes[at]
      const length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
      if (at + length > bytes.length) break
      let point = length === 1 ? first : first & (0x7f >> length)
      for (let i = 1; i < length; i++) point = (point << 6) | (bytes[at + i] & 0x3f)
      text += String.fromCodePoint(point > 0x10ffff ? 0xfffd : point)
      at += length
    }
    rest = bytes.slice(at)
    return text
  }
}

function newEventReader(onEvent) {
  let buffered = ''
  return text => {
    const blocks = (buffered + text).replace(/\r\n|\r(?!$)/g, '\n').split('\n\n')
    buffered = blocks.pop()
    for (const block of blocks) {
      const event = { event: 'message', data: [] }
      for (const line of block.split('\n')) {
        const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line)
        if (name === 'data') event.data.push(value)
        else if (name === 'event' || name === 'id') event[name] = value
      }
      if (event.data.length) onEvent({ ...event, data: event.data.join('\n') })
    }
  }
}

function openEvents(gateway, options, onEvent) {
  const decode = newUTF8Decoder()
  const read = newEventReader(onEvent)
  const call = gateway.request({ timeout: 600000, ...options, enableChunked: true })
  call.onChunkReceived(({ data }) => read(decode(data)))
  return call
}

module.exports = { newUTF8Decoder, newEventReader, openEvents }
