#!/usr/bin/env bash
# Guess:   with setOpts({headers}), which adds a header to all calls of co-wechat-api, each call
#          still has its own headers beside those.
# Reality: it adds the headers of a call to the object that it was given, so they stay: after one message
#          was sent, every GET says that it is application/json. A getter that makes a new
#          object each time ({get headers() {…}}) helps.
# Needs:   node 20 or later, npm.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --no-audit --no-fund co-wechat-api@3.11.0 >/dev/null
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
