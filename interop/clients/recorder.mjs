// A TCP proxy in front of the gateway that records requests, the status of each response, and how a socket was closed.
import { once } from 'node:events'
import net from 'node:net'

/** Starts a recorder in front of `target` (a URL). It appends each event, with its time, to `events`. */
export async function startRecorder(target) {
  const { hostname, port } = new URL(target)
  const events = []
  const record = event => events.push({ at: Date.now(), ...event })
  const server = net.createServer(client => {
    const upstream = net.connect(port, hostname)
    let tail = Buffer.alloc(0)
    client.on('data', chunk => {
      const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(chunk.toString('latin1', 0, 2000)) ?? []
      if (method) record({ kind: 'request', method, path: path.split('?')[0] })
      upstream.write(chunk)
    })
    upstream.on('data', chunk => {
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(chunk.toString('latin1', 0, 20)) ?? []
      if (status) record({ kind: 'response', status: +status })
      tail = Buffer.concat([tail, chunk]).subarray(-200)
      client.write(chunk)
    })
    // The end of one half of a connection is forwarded to the other side.
    upstream.on('end', () => (record({ kind: 'end', close: closeFrame(tail) }), client.end()))
    client.on('end', () => upstream.end())
    for (const [one, other] of [[client, upstream], [upstream, client]]) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: 'http://127.0.0.1:' + server.address().port, events, close: () => server.close() }
}

/** The code and reason of the WebSocket close frame at the end of a stream (RFC 6455, section 5.5.1); '' without one. */
function closeFrame(tail) {
  for (let at = 0; at < tail.length - 1; at++) {
    if (tail[at] !== 0x88 || tail[at + 1] !== tail.length - at - 2) continue
    return tail[at + 1] < 2 ? '1005' : `${tail.readUInt16BE(at + 2)} ${tail.toString('utf8', at + 4)}`.trim()
  }
  return ''
}
