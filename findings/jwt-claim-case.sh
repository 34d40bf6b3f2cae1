#!/usr/bin/env bash
# Guess:   the subject of {"sub":"alice","SUB":"bob"} is alice for every library: names of claims are
#          case-sensitive (RFC 7519, section 4), so SUB is another claim.
# Reality: golang-jwt has two results. RegisteredClaims are decoded by encoding/json, which accepts
#          SUB for sub: bob. With MapClaims of the same package, with go-jose and with npm's jose it
#          is alice. When sub occurs twice, only go-jose refuses the token.
# Needs:   go, node, npm.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

go_module github.com/go-jose/go-jose/v4@v4.1.3 \
    github.com/golang-jwt/jwt/v5@v5.3.0
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"os"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func main() {
	for i, token := range os.Args[1:] {
		keyOf := func(*jwt.Token) (any, error) { return key, nil }
		var registered jwt.RegisteredClaims
		_, err := jwt.ParseWithClaims(token, &registered, keyOf)
		fmt.Println(i, "golang-jwt RegisteredClaims:", registered.Subject, err)

		claims := jwt.MapClaims{}
		_, err = jwt.ParseWithClaims(token, claims, keyOf)
		fmt.Println(i, "golang-jwt MapClaims:", claims["sub"], err)

		signed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
		if err != nil {
			panic(err)
		}
		var c josejwt.Claims
		err = signed.Claims(key, &c)
		fmt.Println(i, "go-jose:", err == nil && c.Subject == "alice", err)
	}
}
EOF
npm_install jose@6.2.18
cat >main.mjs <<'EOF'
import { jwtVerify } from 'jose'

for (const [i, token] of process.argv.slice(2).entries()) {
  const { payload } = await jwtVerify(token, Buffer.from('0123456789abcdef0123456789abcdef'))
  console.log(i, 'jose:', payload.sub)
}
EOF
cat >sign.mjs <<'EOF'
import { createHmac } from 'node:crypto'

for (const payload of ['{"sub":"alice","SUB":"bob"}', '{"sub":"alice","sub":"bob"}']) {
  const text = [`{"alg":"HS256"}`, payload].map(part => Buffer.from(part).toString('base64url')).join('.')
  console.log(text + '.' + createHmac('sha256', '0123456789abcdef0123456789abcdef').update(text).digest('base64url'))
}
EOF
mapfile -t tokens < <(node sign.mjs)
{
    run_go "${tokens[@]}"
    node main.mjs "${tokens[@]}"
} | sort | tee seen

diff -u - seen <<'EOF'
0 go-jose: true <nil>
0 golang-jwt MapClaims: alice <nil>
0 golang-jwt RegisteredClaims: bob <nil>
0 jose: alice
1 go-jose: false json: duplicate key 'sub' in object
1 golang-jwt MapClaims: bob <nil>
1 golang-jwt RegisteredClaims: bob <nil>
1 jose: bob
EOF
echo "as seen on 2026-11-27 with golang-jwt 5.3.0, go-jose 4.1.3, jose 6.2.18"
