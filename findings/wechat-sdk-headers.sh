#!/usr/bin/env bash
# Guess:   setOpts({headers}), which adds headers to all calls of co-wechat-api, doesn't mix the headers
#          of one call with those of another.
# Reality: the SDK adds the headers of each call to the object that it was given, and they stay there:
#          after one message was sent, every GET has Content-Type: application/json. A getter that
#          returns a new object each time ({get headers() {…}}) avoids this.
# Needs:   node 20 or later, npm.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

npm_install co-wechat-api@3.11.0
cat >main.mjs <<'EOF'
import { once } from 'node:events'
import http from 'node:http'
import API from 'co-wechat-api'

let name
const server = http.createServer((request, response) => {
  console.log(`${name}: ${request.method}, Content-Type ${request.headers['content-type'] ?? 'none'}`)
  request.resume().on('end', () => {
    response.setHeader('Content-Type', 'application/json')
    response.end('{"errcode":0,"access_token":"t","expires_in":7200}')
  })
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const base = 'http://127.0.0.1:' + server.address().port

const settings = {
  plain: () => ({ headers: { 'X-Trace': '1' } }),
  getter: () => ({ get headers() { return { 'X-Trace': '1' } } }),
}
for (const [kind, options] of Object.entries(settings)) {
  name = kind
  const api = new API('wx1', 'secret')
  api.prefix = base + '/cgi-bin/'
  api.setOpts(options())
  await api.getAccessToken()
  await api.sendText('openid', 'hello')
  await api.getAccessToken()
}
process.exit()
EOF
node main.mjs | tee seen

diff -u - seen <<'EOF'
plain: GET, Content-Type none
plain: POST, Content-Type application/json
plain: GET, Content-Type application/json
getter: GET, Content-Type none
getter: POST, Content-Type application/json
getter: GET, Content-Type none
EOF
echo "as seen on 2026-11-27 with co-wechat-api 3.11.0"
