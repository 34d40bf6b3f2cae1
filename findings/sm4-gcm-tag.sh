#!/usr/bin/env bash
# Guess:   SM4-GCM is SM4-GCM: Go's two known libraries give the tag of RFC 8998's example.
# Reality: emmansun/gmsm does. tjfoc/gmsm's own Sm4GCM gives the right ciphertext and a tag that nobody else
#          does; its block cipher under crypto/cipher's GCM gives the right one. What was written with
#          Sm4GCM can be read with Sm4GCM alone.
# Needs:   go 1.26.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'EOF'
module finding

go 1.26

require (
	github.com/emmansun/gmsm v0.15.5
	github.com/tjfoc/gmsm v1.4.1
)
EOF
cat >main.go <<'EOF'
package main

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"

	emmansun "github.com/emmansun/gmsm/sm4"
	tjfoc "github.com/tjfoc/gmsm/sm4"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// The example of RFC 8998, appendix A.1.
var (
	key   = unhex("0123456789ABCDEFFEDCBA9876543210")
	iv    = unhex("00001234567800000000ABCD")
	aad   = unhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
	plain = bytes.Join([][]byte{
		bytes.Repeat([]byte{0xaa}, 8), bytes.Repeat([]byte{0xbb}, 8), bytes.Repeat([]byte{0xcc}, 8), bytes.Repeat([]byte{0xdd}, 8),
		bytes.Repeat([]byte{0xee}, 8), bytes.Repeat([]byte{0xff}, 8), bytes.Repeat([]byte{0xee}, 8), bytes.Repeat([]byte{0xaa}, 8),
	}, nil)
	ciphertext = unhex("17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D")
	tag        = unhex("83DE3541E4C2B58177E065A9BF7B62EC")
)

func tell(name string, gotText, gotTag []byte) {
	fmt.Printf("%s: ciphertext %v, tag %v\n", name, bytes.Equal(gotText, ciphertext), bytes.Equal(gotTag, tag))
}

func byGCM(name string, block cipher.Block, err error) {
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	sealed := aead.Seal(nil, iv, plain, aad)
	tell(name, sealed[:len(plain)], sealed[len(plain):])
}

func main() {
	block, err := emmansun.NewCipher(key)
	byGCM("emmansun/gmsm, crypto/cipher", block, err)
	block, err = tjfoc.NewCipher(key)
	byGCM("tjfoc/gmsm, crypto/cipher", block, err)
	text, got, err := tjfoc.Sm4GCM(key, iv, plain, aad, true)
	if err != nil {
		panic(err)
	}
	tell("tjfoc/gmsm, Sm4GCM", text, got)
}
EOF
GOFLAGS=-mod=mod go run . 2>"$dir/log" | tee seen || { cat "$dir/log"; exit 1; }

diff -u - seen <<'EOF'
emmansun/gmsm, crypto/cipher: ciphertext true, tag true
tjfoc/gmsm, crypto/cipher: ciphertext true, tag true
tjfoc/gmsm, Sm4GCM: ciphertext true, tag false
EOF
echo "as seen on 2026-11-27 with emmansun/gmsm 0.15.5 and tjfoc/gmsm 1.4.1"
