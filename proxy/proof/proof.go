// Package proof reads and verifies the header X-Gateway-Proof: a signature
// under the key that WeChat gives each user
// (https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/user-encryptkey.html).
// A stolen token does not include that key: a signed request is from the user's own WeChat
// client.
//
//	X-Gateway-Proof: v=1;k=10;t=1764230400;n=Y2hhbmdlLW1lLW5vdw;h=<64 hex>;s=<43 base64url>
//
// The package does what needs the request and the key only. The caller looks the keys up,
// and checks the time and the nonce.
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

// Header is the name of the header.
const Header = "X-Gateway-Proof"

// The limits of a proof.
const (
	MaxBody = 1 << 20          // bytes of a signed request's body
	MaxSkew = 60 * time.Second // between the client's clock and the gateway's

	// NonceLifetime is how long after the proof's time its nonce must be stored: the skew
	// in both directions, and as much again for the clocks of other instances.
	NonceLifetime = 180 * time.Second
)

// Unsigned replaces the hash of the body for wx.uploadFile, which writes a multipart body
// that the mini program can't hash.
const Unsigned = "-"

// The lengths of the fields, in characters.
const (
	minNonce        = 16
	maxNonce        = 32
	hashLength      = 2 * sha256.Size
	signatureLength = 43
	maxKeyVersion   = 1 << 53 // the largest exact integer in JavaScript
	maxTime         = 1 << 40
)

// ErrMalformed is returned for a header that does not have the form in the package's
// comment.
var ErrMalformed = errors.New("the proof is malformed")

// Proof is a parsed header. Parse does not verify the signature: Verify does.
type Proof struct {
	Version   int64  // of the user's key
	Time      int64  // Unix seconds, by the client's clock
	Nonce     string // 16 to 32 characters of A-Za-z0-9_-
	BodyHash  string // lower-case hex SHA-256 of the body, or Unsigned
	signature []byte
}

// Parse parses the header's value. Each field must be there once, in the order of the
// package's comment; anything else is ErrMalformed.
func Parse(value string) (Proof, error) {
	fields, ok := split(value)
	if !ok || fields[0] != "1" {
		return Proof{}, ErrMalformed
	}
	version, ok1 := decimal(fields[1], maxKeyVersion)
	seconds, ok2 := decimal(fields[2], maxTime)
	signature, err := base64.RawURLEncoding.Strict().DecodeString(fields[5])
	p := Proof{Version: version, Time: seconds, Nonce: fields[3], BodyHash: fields[4], signature: signature}
	if !ok1 || !ok2 || err != nil || len(fields[5]) != signatureLength || !validNonce(p.Nonce) || !validHash(p.BodyHash) {
		return Proof{}, ErrMalformed
	}
	return p, nil
}

// split returns the values of the six fields.
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

// decimal parses a number of at most limit, without sign, spaces or leading zeros.
func decimal(s string, limit int64) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= limit && strconv.FormatInt(n, 10) == s
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

// HashBody returns the hash of a body, in the form of Proof.BodyHash.
func HashBody(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Key is a user's key as WeChat's getuserencryptkey returns it.
type Key struct {
	EncryptKey [16]byte // decoded from base64
	IV         string   // 16 characters, used as bytes
}

// Request is the part of a request that the signature covers.
type Request struct {
	Method      string // after X-HTTP-Method-Override
	Host        string // the public host: lower case, without a default port
	Target      string // path and query as received
	ContentType string // as received; "": none
}

// info makes the signing key differ from keys that are derived from WeChat's user key for
// other purposes (RFC 5869, section 3.2).
const info = "wxgate proof v1"

// Verify reports whether the signature is valid for this key and request.
func (p Proof) Verify(k Key, r Request) bool {
	expected, err := p.sign(k, r)
	return err == nil && hmac.Equal(expected, p.signature)
}

// sign returns the signature of the request under the key.
func (p Proof) sign(k Key, r Request) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, k.EncryptKey[:], []byte(k.IV), info, sha256.Size)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(p.message(r))
	return mac.Sum(nil), nil
}

// message returns the eight signed lines. No field can contain a line feed: Parse checks
// those of the proof, and the HTTP server those of the request.
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

// CanonicalTarget returns the signed form of a path and query: escapes of unreserved
// characters (RFC 3986, section 2.3) are decoded, other escapes are in upper case, and the
// "?" of an empty query is removed. HTTP clients differ in what they escape.
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

// appendEscape appends the canonical form of the escape %hilo.
func appendEscape(b []byte, hi, lo byte) []byte {
	c := fromHex(hi)<<4 | fromHex(lo)
	if (isAlnum(c) || strings.IndexByte("-._~", c) >= 0) && !completesEscape(b, c) {
		return append(b, c)
	}
	return append(b, '%', upper(hi), upper(lo))
}

// completesEscape reports whether c after b would form an escape with a literal "%": the
// canonical form of "%%411" must not be "%A1".
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
