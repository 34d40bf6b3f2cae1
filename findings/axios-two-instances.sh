#!/usr/bin/env bash
# Guess:   an interceptor on axios' default instance reaches a package (an SDK for WeChat, say)
#          that calls the default instance of the same installed axios.
# Reality: in Node axios has two builds, and each its own default instance. What an ES module
#          imports is not what a CommonJS package requires: the interceptor reaches
#          nothing, and the SDK goes on calling its own address.
# Needs:   node 20 or later, npm.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --no-audit --no-fund axios@1.21.1 nest-wechat@0.2.50 @nestjs/common@10.4.20 >/dev/null
cat >main.mjs <<'EOF'
import { createRequire } from 'node:module'
import imported from 'axios'
import { MiniProgramService } from 'nest-wechat'

const required = createRequire(import.meta.url)('axios')

/** What the SDK's call reaches with an interceptor on an instance. */
async function reached(axios) {
  const interceptor = axios.interceptors.request.use(() => { throw new Error('the interceptor') })
  const nowhere = required.interceptors.request.use(config => ({ ...config, adapter: () => { throw new Error('the network') } }))
  const error = await new MiniProgramService({ appId: 'wx1', secret: 's' }).getAccessToken().catch(error => error)
  axios.interceptors.request.eject(interceptor)
  required.interceptors.request.eject(nowhere)
  return error.message
}

console.log('imported:', await reached(imported))
console.log('required:', await reached(required))
EOF
node main.mjs | tee seen

diff -u - seen <<'EOF'
imported: the network
required: the interceptor
EOF
echo "as seen on 2026-11-27 with axios 1.21.1, nest-wechat 0.2.50, Node $(node --version)"
