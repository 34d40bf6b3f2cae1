#!/usr/bin/env bash
# Guess:   node-easywechat's response.isFailed() is true for {"errcode":40003}: a mini program's client is
#          made with a judge that looks at errcode.
# Reality: the judge reaches a client only where none is handed in, and one always is. isFailed()
#          looks at the HTTP status, which WeChat has 200 for errors, and says false; `http.throw`
#          changes nothing. What an SDK's user has to look at is toObject().errcode.
# Needs:   node 20 or later, npm.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --no-audit --no-fund node-easywechat@3.6.2 node-socialite@1.4.1 >/dev/null
cat >main.mjs <<'EOF'
import { once } from 'node:events'
import http from 'node:http'
import { MiniApp } from 'node-easywechat'

const server = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json; charset=UTF-8')
  response.end(request.url.includes('/token?') ? '{"access_token":"t","expires_in":7200}' : '{"errcode":40003,"errmsg":"invalid openid"}')
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const app = new MiniApp({ app_id: 'wx1', secret: 's', http: { baseURL: `http://127.0.0.1:${server.address().port}/`, throw: true } })
const response = await app.getClient().postJson('cgi-bin/message/subscribe/send', { touser: 'nobody' })
console.log(`errcode ${response.toObject().errcode}, isFailed ${response.isFailed()}, isSuccessful ${response.isSuccessful()}`)
process.exit()
EOF
node main.mjs | tee seen

diff -u - seen <<'EOF'
errcode 40003, isFailed false, isSuccessful true
EOF
echo "as seen on 2026-11-27 with node-easywechat 3.6.2"
