#!/usr/bin/env bash
# Guess:   JWT libraries agree on a token that was issued "in the future" by the clock of the one who reads it: the
#          clocks of two machines are never the same, and RFC 7519 gives iat no such meaning.
# Reality: PyJWT refuses it (ImmatureSignatureError) unless a leeway is given; jose and
#          jsonwebtoken of npm take it. A backend in Python, behind a gateway whose clock is a
#          second ahead, refuses each token in the first second of its life.
# Needs:   node, npm, Debian's python3-jwt.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --no-audit --no-fund jose@6.2.18 jsonwebtoken@9.0.3 >/dev/null
cat >node.mjs <<'EOF'
import { SignJWT, jwtVerify } from 'jose'
import jwt from 'jsonwebtoken'
import { writeFileSync } from 'node:fs'

const key = new TextEncoder().encode('0123456789abcdef0123456789abcdef')
const now = Math.floor(Date.now() / 1000)
const token = await new SignJWT({ iat: now + 30, exp: now + 90 }).setProtectedHeader({ alg: 'HS256' }).sign(key)
writeFileSync('token', token)
console.log('jose', (await jwtVerify(token, key)) ? 'takes it' : '')
console.log('jsonwebtoken', jwt.verify(token, Buffer.from(key), { algorithms: ['HS256'] }) ? 'takes it' : '')
EOF
node node.mjs | tee seen
/usr/bin/python3 - <<'EOF' | tee -a seen
import jwt

token = open("token").read()
for leeway in (0, 60):
    try:
        jwt.decode(token, "0123456789abcdef0123456789abcdef", algorithms=["HS256"], leeway=leeway)
        print("PyJWT with leeway", leeway, "takes it")
    except jwt.ImmatureSignatureError as e:
        print("PyJWT with leeway", leeway, "refuses it:", e)
EOF

/usr/bin/python3 -c 'import jwt; print("PyJWT", jwt.__version__)'
diff -u - seen <<'EOF'
jose takes it
jsonwebtoken takes it
PyJWT with leeway 0 refuses it: The token is not yet valid (iat)
PyJWT with leeway 60 takes it
EOF
echo "as seen on 2026-11-27 with PyJWT 2.6.0, jose 6.2.18, jsonwebtoken 9.0.3"
