#!/usr/bin/env bash
# Guess:   node-easywechat's response.isFailed() is true for {"errcode":40003}: the SDK gives a mini
#          program's client a function that checks errcode.
# Reality: the SDK sets that function only when no client is passed in, and it always passes one.
#          isFailed() checks the HTTP status, which is 200 for WeChat's errors, and returns false;
#          `http.throw` changes nothing. Users of the SDK have to check toObject().errcode.
# Needs:   node 20 or later, npm.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

npm_install node-easywechat@3.6.2 node-socialite@1.4.1
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
