package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// A session id is the user's tag followed by a random half, each 16 bytes in strict
// base64url. With the tag, a token alone determines every key of its user. The keys have
// the tag in braces, so that all of them are in one slot of a cluster.
const (
	rawLength  = 16
	halfLength = 22
	sidLength  = 2 * halfLength
)

var strictBase64 = base64.RawURLEncoding.Strict()

// userTag returns the tag of a user, a hash. Different pairs such as ("wx1", "2x") and
// ("wx12", "x") have different tags.
func userTag(appid, openid string) string { return hashOf(appid, openid) }

// hashOf returns a hash of a list of texts, for use in a key.
func hashOf(parts ...string) string {
	sum := sha256.Sum256(joinWithLengths(parts))
	return strictBase64.EncodeToString(sum[:16])
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return strictBase64.EncodeToString(b[:])
}

// validSID accepts session ids. It must be called before text from outside becomes
// part of a key.
func validSID(sid string) bool {
	return len(sid) == sidLength && validHalf(sid[:halfLength]) && validHalf(sid[halfLength:])
}

// validHalf accepts the strict base64url of 16 bytes: four of the last character's six
// bits are unused and must be zero, so that each id has one text.
func validHalf(s string) bool {
	for i := range len(s) {
		if !tokenByte(s[i]) || s[i] == '.' {
			return false
		}
	}
	return strings.IndexByte("AQgw", s[halfLength-1]) >= 0
}

func tokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}

// rawHalf decodes a half of a session id to its 16 bytes.
func rawHalf(half string) string {
	raw, err := strictBase64.DecodeString(half)
	if err != nil {
		panic(err) // only for a text that validHalf refuses
	}
	return string(raw)
}

// textHalf is the inverse of rawHalf.
func textHalf(raw string) string { return strictBase64.EncodeToString([]byte(raw)) }

// keys builds the names of all keys and channels in Redis. An ACL user may be restricted
// to the prefix. Values marked (M) have a MAC, see signField.
//
//	u:{tag}    hash    a user, without expiry; f first login, l last login, a appid, o openid, n unionid (M),
//	                   i user id (M), r roles (M), p phone (M), b ban (M)
//	p:{tag}    string  the user's profile: nickname and avatar, which may be long
//	s:{tag}    hash    the user's sessions, until the last of them expires; each field begins with the 16 bytes of the session's random half:
//	                   s creation and absolute end (M), l last use, end of its newest token and 1 for the user's first
//	                   session, k sealed session_key, i user id (M), r roles (M), t and an opaque token's hash: its end (M)
//	                   a web page's session has instead of s and k: w its parent's random half and its creation (M)
//	w:{tag}rand string a ticket: open or used, by whom, and the parent's random half with the address (M)
//	j:{tag}    hash    the sessions' cookie jars, sealed; a field for each random half and backend
//	a:{hash}   string  the time until which all created sessions of an app have ended
//	i:xxxx     hash    an index of users by unionid, phone and user id: hash of the value and tag
//	c:{hash}   string  a login code in use;  d:{hash} string  the sealed response to it
//	m:{hash}   string  a message of WeChat's push in work, or the sealed reply to it
//	n:{hash}   string  a nonce that was used
//	k:{tag}    string  a user's keys of WeChat, sealed
//	t:appid    string  an access token, sealed
//	audit:name stream  an audit trail (M), the newest MaxAuditTrail entries
//	l:…        string  locks, rate limits and probes
type keys struct{ prefix string }

func (k keys) user(tag string) string     { return k.prefix + "u:{" + tag + "}" }
func (k keys) profile(tag string) string  { return k.prefix + "p:{" + tag + "}" }
func (k keys) sessions(tag string) string { return k.prefix + "s:{" + tag + "}" }
func (k keys) ticket(tag string, random []byte) string {
	return k.prefix + "w:{" + tag + "}" + strictBase64.EncodeToString(random)
}
func (k keys) jars(tag string) string       { return k.prefix + "j:{" + tag + "}" }
func (k keys) app(appid string) string      { return k.prefix + "a:{" + hashOf("app", appid) + "}" }
func (k keys) claim(hash string) string     { return k.prefix + "c:{" + hash + "}" }
func (k keys) response(hash string) string  { return k.prefix + "d:{" + hash + "}" }
func (k keys) push(hash string) string      { return k.prefix + "m:{" + hash + "}" }
func (k keys) nonce(hash string) string     { return k.prefix + "n:{" + hash + "}" }
func (k keys) userKeys(tag string) string   { return k.prefix + "k:{" + tag + "}" }
func (k keys) accessToken(id string) string { return k.prefix + "t:" + id }
func (k keys) tokenLock(id string) string   { return k.prefix + "l:t:" + id }
func (k keys) limit(hash string) string     { return k.prefix + "l:r:" + hash }
func (k keys) audit(trail string) string    { return k.prefix + "audit:" + trail }
func (k keys) events() string               { return k.prefix + "events" }
func (k keys) heartbeat(inst string) string { return k.prefix + "beat:" + inst }

// probe returns a key in the same slot as another key.
func (k keys) probe(key string) string {
	if tag, ok := hashTag(key); ok {
		return k.prefix + "l:probe:{" + tag + "}"
	}
	return k.prefix + "l:probe:{" + key + "}"
}

// tagOf returns the user's tag in a session id.
func tagOf(sid string) string { return sid[:halfLength] }

// rawOf returns the random half of a session id, decoded as in Redis.
func rawOf(sid string) string { return rawHalf(sid[halfLength:]) }

// plainText accepts what an appid or an openid may be: UTF-8 of 1 to limit bytes
// without control characters.
func plainText(s string, limit int) bool {
	if s == "" || len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || 0x7f <= r && r < 0xa0 }) < 0
}
