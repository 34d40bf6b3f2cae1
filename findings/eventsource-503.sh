#!/usr/bin/env bash
# Guess:   all versions of the package eventsource reconnect when a server responds with 503 for a
#          moment, as in a rolling restart.
# Reality: version 2 reconnects after 500, 502, 503 and 504. Versions 3 and 4, like browsers and the
#          standard, stop at any status but 200 and never reconnect, whatever Retry-After says. All
#          versions reconnect when the connection just ends.
# Needs:   node 20 or later, npm.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

npm_install v2@npm:eventsource@2.0.2 v3@npm:eventsource@3.0.7 v4@npm:eventsource@4.1.1
cat >main.mjs <<'EOF'
import http from 'node:http'
import { createRequire } from 'node:module'

const requests = {}
const server = http.createServer((req, res) => {
  const [, client, status] = req.url.split('/')
  const key = `${client} ${status}`
  requests[key] = (requests[key] ?? 0) + 1
  res.writeHead(Number(status), { 'content-type': 'text/event-stream', 'retry-after': '1' })
  res.end('retry: 100\n\n')
})
server.listen(0, '127.0.0.1', async () => {
  const clients = {
    v2: createRequire(import.meta.url)('v2'),
    v3: (await import('v3')).EventSource,
    v4: (await import('v4')).EventSource,
  }
  const streams = []
  for (const [name, EventSource] of Object.entries(clients)) {
    for (const status of [200, 401, 503]) {
      const stream = new EventSource(`http://127.0.0.1:${server.address().port}/${name}/${status}`)
      stream.onerror = () => {}
      streams.push(stream)
    }
  }
  setTimeout(() => {
    for (const stream of streams) stream.close()
    for (const key of Object.keys(requests).sort()) console.log(key, requests[key] > 1 ? 'reconnects' : 'stays closed')
    process.exit()
  }, 5000)
})
EOF
node main.mjs | tee seen

diff -u - seen <<'EOF'
v2 200 reconnects
v2 401 stays closed
v2 503 reconnects
v3 200 reconnects
v3 401 stays closed
v3 503 stays closed
v4 200 reconnects
v4 401 stays closed
v4 503 stays closed
EOF
echo "as seen on 2026-11-27 with eventsource 2.0.2, 3.0.7 and 4.1.1"
