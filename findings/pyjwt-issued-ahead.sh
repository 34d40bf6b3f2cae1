#!/usr/bin/env bash
# Guess:   JWT libraries accept a token whose iat is in the future by the clock of the verifier: clocks
#          of two machines always differ, and RFC 7519 doesn't make iat a condition.
# Reality: PyJWT refuses it (ImmatureSignatureError) unless a leeway is set; npm's jose and
#          jsonwebtoken accept it. A backend in Python behind a gateway whose clock is a second ahead
#          refuses each token during the first second after it was issued.
# Needs:   node, npm, Debian's python3-jwt.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

npm_install jose@6.2.18 jsonwebtoken@9.0.3
cat >node.mjs <<'EOF'
import { SignJWT, jwtVerify } from 'jose'
import jwt from 'jsonwebtoken'
import { writeFileSync } from 'node:fs'

const key = new TextEncoder().encode('0123456789abcdef0123456789abcdef')
const now = Math.floor(Date.now() / 1000)
const token = await new SignJWT({ iat: now + 30, exp: now + 90 }).setProtectedHeader({ alg: 'HS256' }).sign(key)
writeFileSync('token', token)
console.log('jose', (await jwtVerify(token, key)) ? 'accepts it' : '')
console.log('jsonwebtoken', jwt.verify(token, Buffer.from(key), { algorithms: ['HS256'] }) ? 'accepts it' : '')
EOF
node node.mjs | tee seen
/usr/bin/python3 - <<'EOF' | tee -a seen
import jwt

token = open("token").read()
for leeway in (0, 60):
    try:
        jwt.decode(token, "0123456789abcdef0123456789abcdef", algorithms=["HS256"], leeway=leeway)
        print("PyJWT with leeway", leeway, "accepts it")
    except jwt.ImmatureSignatureError as e:
        print("PyJWT with leeway", leeway, "refuses it:", e)
EOF

/usr/bin/python3 -c 'import jwt; print("PyJWT", jwt.__version__)'
diff -u - seen <<'EOF'
jose accepts it
jsonwebtoken accepts it
PyJWT with leeway 0 refuses it: The token is not yet valid (iat)
PyJWT with leeway 60 accepts it
EOF
echo "as seen on 2026-11-27 with PyJWT 2.6.0, jose 6.2.18, jsonwebtoken 9.0.3"
