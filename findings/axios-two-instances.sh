#!/usr/bin/env bash
# Guess:   an interceptor on axios' default instance applies to a package, such as a WeChat SDK,
#          that uses the default instance of the same installed axios.
# Reality: axios has two builds for Node, each with its own default instance. An ES module that
#          imports axios gets another instance than a CommonJS package that requires it: the
#          interceptor has no effect, and the SDK still calls its own address.
# Needs:   node 20 or later, npm.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

npm_install axios@1.21.1 nest-wechat@0.2.50 @nestjs/common@10.4.20
cat >main.mjs <<'EOF'
import { createRequire } from 'node:module'
import imported from 'axios'
import { MiniProgramService } from 'nest-wechat'

const required = createRequire(import.meta.url)('axios')

/** Where a call of the SDK ends when this instance has an interceptor. */
async function endOfCall(axios) {
  const interceptor = axios.interceptors.request.use(() => { throw new Error('the interceptor') })
  const noNetwork = required.interceptors.request.use(config => ({ ...config, adapter: () => { throw new Error('the network') } }))
  const error = await new MiniProgramService({ appId: 'wx1', secret: 's' }).getAccessToken().catch(error => error)
  axios.interceptors.request.eject(interceptor)
  required.interceptors.request.eject(noNetwork)
  return error.message
}

console.log('imported:', await endOfCall(imported))
console.log('required:', await endOfCall(required))
EOF
node main.mjs | tee seen

diff -u - seen <<'EOF'
imported: the network
required: the interceptor
EOF
echo "as seen on 2026-11-27 with axios 1.21.1, nest-wechat 0.2.50, Node $(node --version)"
