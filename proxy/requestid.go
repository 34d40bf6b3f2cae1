package proxy

import (
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

// RequestID takes the client's X-Request-ID where it is one sane value (1 to
// 128 of [A-Za-z0-9._-]), else makes one of 32 hex digits. It identifies, it
// proves nothing.
func RequestID(h http.Header) string {
	if told := h[requestIDHeader]; len(told) == 1 && saneID(told[0]) {
		return told[0]
	}
	var raw [16]byte
	for i, n := 0, rand.Uint64(); i < 8; i++ {
		raw[i] = byte(n >> (8 * i))
	}
	for i, n := 0, rand.Uint64(); i < 8; i++ {
		raw[8+i] = byte(n >> (8 * i))
	}
	var text [32]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

func saneID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; !isAlnum(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
