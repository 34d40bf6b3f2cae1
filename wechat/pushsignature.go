package wechat

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"
)

const maxNonce = 128

// verifyQuery parses the query and verifies its signature over token, timestamp and nonce.
// A parameter that occurs twice is refused: two parsers could choose different values.
//
// The signature covers the sorted and joined values, so an attacker can swap timestamp
// and nonce and move digits between them. That gains nothing, since the timestamp must
// have ten digits and be recent.
func (p *Push) verifyQuery(rawQuery string, now time.Time) (url.Values, bool) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, false
	}
	for _, values := range q {
		if len(values) != 1 {
			return nil, false
		}
	}
	timestamp, nonce := q.Get("timestamp"), q.Get("nonce")
	if !p.validSignature(q.Get("signature"), timestamp, nonce) {
		return nil, false
	}
	return q, validNonce(nonce) && validTimestamp(timestamp, now, pushSkew)
}

// validSignature compares a signature with the expected one in constant time.
func (p *Push) validSignature(signature string, parts ...string) bool {
	return subtle.ConstantTimeCompare([]byte(signature), []byte(p.signature(parts...))) == 1
}

// signature is the hex SHA-1 of the token and the parts, sorted and joined.
func (p *Push) signature(parts ...string) string {
	all := append([]string{p.token.Reveal()}, parts...)
	slices.Sort(all)
	sum := sha1.Sum([]byte(strings.Join(all, "")))
	return hex.EncodeToString(sum[:])
}

func validNonce(nonce string) bool {
	return nonce != "" && len(nonce) <= maxNonce && isPrintableASCII(nonce)
}
