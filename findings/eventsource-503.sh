#!/usr/bin/env bash
# Guess:   the packages called eventsource behave alike where a server answers 503 for a
#          moment, in a rolling restart say: they come back.
# Reality: version 2 comes back after 500, 502, 503 and 504. Versions 3 and 4, as browsers do by the
#          standard, take any status but 200 for the end and stay closed for good, whatever
#          Retry-After says. All come back where the connection just ends.
# Needs:   node 20 or later, npm.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --no-audit --no-fund v2@npm:eventsource@2.0.2 v3@npm:eventsource@3.0.7 v4@npm:eventsource@4.1.1 >/dev/null
cat >main.mjs <<'EOF'
import http from 'node:http'
import { createRequire } from 'node:module'

const asked = {}
const server = http.createServer((req, res) => {
  const [, client, status] = req.url.split('/')
  const key = `${client} ${status}`
  asked[key] = (asked[key] ?? 0) + 1
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
    for (const key of Object.keys(asked).sort()) console.log(key, asked[key] > 1 ? 'comes back' : 'stays closed')
    process.exit()
  }, 5000)
})
EOF
node main.mjs | tee seen

diff -u - seen <<'EOF'
v2 200 comes back
v2 401 stays closed
v2 503 comes back
v3 200 comes back
v3 401 stays closed
v3 503 stays closed
v4 200 comes back
v4 401 stays closed
v4 503 stays closed
EOF
echo "as seen on 2026-11-27 with eventsource 2.0.2, 3.0.7 and 4.1.1"
