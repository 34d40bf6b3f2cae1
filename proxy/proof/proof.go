// Package proof reads and verifies the header X-Gateway-Proof: a signature
// under the key that WeChat gives each user
// (https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/user-encryptkey.html).
// A stolen token doesn't include that key, so that a signed request came from
// the user's own WeChat client.
//
//	X-Gateway-Proof: v=1;k=10;t=1764230400;n=Y2hhbmdlLW1lLW5vdw;h=<64 hex>;s=<43 base64url>
//
// The package holds what can be computed from the request alone. Who keeps the
// keys, the clock and the nonces is the caller's affair.
package proof

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Header carries the proof.
const Header = "X-Gateway-Proof"

// The limits of a proof.
const (
	MaxBody = 1 << 20          // bytes of a signed request's body
	MaxSkew = 60 * time.Second // between the client's clock and the gateway's

	// NonceLifetime is how long after its own time a nonce is remembered: the
	// skew either way, and as much again for the clocks of other instances.
	NonceLifetime = 180 * time.Second
)

// Unsigned stands in place of a body's hash for wx.uploadFile, which writes a
// multipart body that the client never sees.
const Unsigned = "-"

// The lengths of the fields, in characters.
const (
	minNonce        = 16
	maxNonce        = 32
	hashLength      = 2 * sha256.Size
	signatureLength = 43
	maxKeyVersion   = 1 << 53 // a JavaScript number
	maxTime         = 1 << 40
)

// ErrMalformed is returned for a header that is not exactly of the form above.
var ErrMalformed = errors.New("the proof is malformed")

// Proof is a header that was read, and nothing more: Verify says whether it is
// true.
type Proof struct {
	Version   int64  // of the user's key
	Time      int64  // Unix seconds, by the client's clock
	Nonce     string // 16 to 32 characters of A-Za-z0-9_-
	BodyHash  string // lower-case hex SHA-256 of the body, or Unsigned
	signature []byte
}

// Parse reads the header's value. Each field stands once, in the order of the
// package's comment; anything else is ErrMalformed.
func Parse(value string) (Proof, error) {
	fields, ok := split(value)
	if !ok || fields[0] != "1" {
		return Proof{}, ErrMalformed
	}
	version, ok1 := decimal(fields[1], maxKeyVersion)
	at, ok2 := decimal(fields[2], maxTime)
	signature, err := base64.RawURLEncoding.Strict().DecodeString(fields[5])
	p := Proof{Version: version, Time: at, Nonce: fields[3], BodyHash: fields[4], signature: signature}
	if !ok1 || !ok2 || err != nil || len(fields[5]) != signatureLength || !validNonce(p.Nonce) || !validHash(p.BodyHash) {
		return Proof{}, ErrMalformed
	}
	return p, nil
}

// split gives the values of the six fields.
func split(value string) (fields [6]string, ok bool) {
	for i, name := range [...]string{"v=", "k=", "t=", "n=", "h=", "s="} {
		field, rest, more := strings.Cut(value, ";")
		if fields[i], ok = strings.CutPrefix(field, name); !ok || more != (i < len(fields)-1) {
			return fields, false
		}
		value = rest
	}
	return fields, true
}

// decimal reads a number without sign, blanks or leading zeros.
func decimal(s string, most int64) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= most && strconv.FormatInt(n, 10) == s
}

func validNonce(s string) bool {
	if len(s) < minNonce || len(s) > maxNonce {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !isAlnum(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func validHash(s string) bool {
	if s == Unsigned {
		return true
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == hashLength
}

// HashBody gives the hash that a proof of this body holds.
func HashBody(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Key is a user's key as WeChat's getuserencryptkey gives it.
type Key struct {
	EncryptKey [16]byte // decoded from base64
	IV         string   // 16 characters, taken as bytes
}

// Request is what the signature covers besides the proof's own fields.
type Request struct {
	Method      string // the effective one, after an override
	Host        string // the public host: lower case, without a default port
	Target      string // path and query as received
	ContentType string // as received; empty where there is none
}

// info separates these keys from any other use of WeChat's user key (RFC 5869,
// section 3.2).
const info = "wxgate proof v1"

// Verify reports whether the proof was made under the key for this request.
func (p Proof) Verify(k Key, r Request) bool {
	expected, err := p.sign(k, r)
	return err == nil && hmac.Equal(expected, p.signature)
}

func (p Proof) sign(k Key, r Request) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, k.EncryptKey[:], []byte(k.IV), info, sha256.Size)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(p.message(r))
	return mac.Sum(nil), nil
}

// message is the eight lines that are signed. No field can hold a line end: the
// proof's own are checked by Parse, the request's by the HTTP server.
func (p Proof) message(r Request) []byte {
	b := make([]byte, 0, 256+len(r.Target)+len(r.ContentType))
	for _, line := range [...]string{"wxgate-proof-v1", r.Method, r.Host, CanonicalTarget(r.Target)} {
		b = append(append(b, line...), '\n')
	}
	b = append(strconv.AppendInt(b, p.Time, 10), '\n')
	for _, line := range [...]string{p.Nonce, r.ContentType} {
		b = append(append(b, line...), '\n')
	}
	return append(b, p.BodyHash...)
}

// CanonicalTarget gives the form of a path and query that is signed, so that
// the client's and the gateway's agree although HTTP clients escape as they
// like: escapes of unreserved characters (RFC 3986, section 2.3) are decoded,
// other escapes are in upper case, and an empty query loses its "?".
func CanonicalTarget(target string) string {
	if path, query, found := strings.Cut(target, "?"); found && query == "" {
		target = path
	}
	if !strings.Contains(target, "%") {
		return target
	}
	b := make([]byte, 0, len(target))
	for i := 0; i < len(target); i++ {
		c := target[i]
		if c != '%' || i+2 >= len(target) || !isHex(target[i+1]) || !isHex(target[i+2]) {
			b = append(b, c)
			continue
		}
		b = appendEscape(b, target[i+1], target[i+2])
		i += 2
	}
	return string(b)
}

func appendEscape(b []byte, hi, lo byte) []byte {
	c := fromHex(hi)<<4 | fromHex(lo)
	if (isAlnum(c) || strings.IndexByte("-._~", c) >= 0) && !completesEscape(b, c) {
		return append(b, c)
	}
	return append(b, '%', upper(hi), upper(lo))
}

// completesEscape reports whether c would make an escape of a "%" that is none:
// "%%411" must not be signed like "%A1".
func completesEscape(b []byte, c byte) bool {
	n := len(b)
	return isHex(c) && (n > 0 && b[n-1] == '%' || n > 1 && b[n-2] == '%' && isHex(b[n-1]))
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return upper(c) - 'A' + 10
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
