#!/usr/bin/env bash
# Guess:   both known SM4 libraries for Go compute the tag of RFC 8998's SM4-GCM example.
# Reality: emmansun/gmsm does. Sm4GCM of tjfoc/gmsm computes the right ciphertext and a wrong tag; its
#          block cipher with GCM of crypto/cipher computes the right one. Only Sm4GCM can decrypt
#          what Sm4GCM has encrypted.
# Needs:   go 1.26.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

go_module github.com/emmansun/gmsm@v0.15.5 \
    github.com/tjfoc/gmsm@v1.4.1
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

func report(name string, gotText, gotTag []byte) {
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
	report(name, sealed[:len(plain)], sealed[len(plain):])
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
	report("tjfoc/gmsm, Sm4GCM", text, got)
}
EOF
run_go | tee seen

diff -u - seen <<'EOF'
emmansun/gmsm, crypto/cipher: ciphertext true, tag true
tjfoc/gmsm, crypto/cipher: ciphertext true, tag true
tjfoc/gmsm, Sm4GCM: ciphertext true, tag false
EOF
echo "as seen on 2026-11-27 with emmansun/gmsm 0.15.5 and tjfoc/gmsm 1.4.1"
