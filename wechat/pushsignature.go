package wechat

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxNonce = 128

// verifyQuery checks the signature over token, timestamp and nonce. Each parameter
// may stand there once: two parsers could take different ones of two.
//
// The signature sorts and joins what it covers, so timestamp and nonce can be
// exchanged, and digits moved between them. The timestamp's form and time leave
// nothing to be gained by that.
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
	if !p.signed(q.Get("signature"), timestamp, nonce) {
		return nil, false
	}
	return q, validNonce(nonce) && validTimestamp(timestamp, now)
}

// signed compares a signature with the hex SHA-1 of the token and the parts, sorted
// and joined, in constant time.
func (p *Push) signed(signature string, parts ...string) bool {
	return subtle.ConstantTimeCompare([]byte(signature), []byte(p.sign(parts...))) == 1
}

func (p *Push) sign(parts ...string) string {
	all := append([]string{p.token.Reveal()}, parts...)
	slices.Sort(all)
	sum := sha1.Sum([]byte(strings.Join(all, "")))
	return hex.EncodeToString(sum[:])
}

func validNonce(nonce string) bool {
	return nonce != "" && len(nonce) <= maxNonce && isPrintableASCII(nonce)
}

// validTimestamp takes exactly ten digits, near enough to now.
func validTimestamp(text string, now time.Time) bool {
	seconds, ok := parseTimestamp(text)
	if !ok {
		return false
	}
	age := now.Sub(time.Unix(seconds, 0))
	return age <= pushSkew && age >= -pushSkew
}

// parseTimestamp reads Unix seconds of exactly ten digits.
func parseTimestamp(text string) (int64, bool) {
	if len(text) != 10 || !isDigits(text) {
		return 0, false
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return seconds, err == nil
}
