package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// A session id is the user's tag followed by a random half, each the strict
// base64url of 16 bytes. The tag is in it so that a token alone leads to every
// key of its user, and all of them carry it in braces: one slot of a cluster.
const (
	halfLength = 22
	sidLength  = 2 * halfLength
)

var strict = base64.RawURLEncoding.Strict()

// userTag names a user. The pairs ("wx1", "2x") and ("wx12", "x") stay apart,
// whatever characters they hold.
func userTag(appid, openid string) string { return hashOf(appid, openid) }

// hashOf is a name of fixed length for any list of texts.
func hashOf(parts ...string) string {
	sum := sha256.Sum256(binding(parts))
	return strict.EncodeToString(sum[:16])
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return strict.EncodeToString(b[:])
}

// validSID is asked before any text from outside becomes a part of a key.
func validSID(sid string) bool {
	return len(sid) == sidLength && validHalf(sid[:halfLength]) && validHalf(sid[halfLength:])
}

// validHalf is a strict base64url of 16 bytes: of the last character's six
// bits four are unused and zero, so that no two texts mean one id.
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

// keys builds the names of everything in Redis. An ACL user may be restricted
// to the prefix, channels included.
//
//	u:{tag}      hash    a user, kept for good; f first login, l last login, a appid, o openid, n unionid, i user id,
//	                     r roles, p phone, w nickname, v avatar, b and B a ban's end and reason, and one field for
//	                     each session: its random half, with the time of the login
//	s:{tag}rand  hash    a session; c created, e absolute end, l last seen, x end of its newest token, k sealed
//	                     session_key, i user id, r roles, w the user's first login, t… an opaque token's hash with its end
//	j:{tag}rand  hash    its cookie jar, a field for each backend, sealed
//	c:{hash}     string  a login code in use;  d:{hash} string  the sealed answer to it
//	m:{hash}     string  a message of WeChat's push in work, or the sealed reply to it
//	n:{hash}     string  a nonce that was used
//	k:{tag}      string  a user's keys of WeChat, sealed
//	t:appid      string  an access token, sealed
//	l:…          string  locks and rate limits
type keys struct{ prefix string }

func (k keys) user(tag string) string       { return k.prefix + "u:{" + tag + "}" }
func (k keys) sessions(tag string) string   { return k.prefix + "s:{" + tag + "}" }
func (k keys) jars(tag string) string       { return k.prefix + "j:{" + tag + "}" }
func (k keys) session(sid string) string    { return k.sessions(sid[:halfLength]) + sid[halfLength:] }
func (k keys) jar(sid string) string        { return k.jars(sid[:halfLength]) + sid[halfLength:] }
func (k keys) claim(hash string) string     { return k.prefix + "c:{" + hash + "}" }
func (k keys) answer(hash string) string    { return k.prefix + "d:{" + hash + "}" }
func (k keys) push(hash string) string      { return k.prefix + "m:{" + hash + "}" }
func (k keys) nonce(hash string) string     { return k.prefix + "n:{" + hash + "}" }
func (k keys) userKeys(tag string) string   { return k.prefix + "k:{" + tag + "}" }
func (k keys) accessToken(id string) string { return k.prefix + "t:" + id }
func (k keys) tokenLock(id string) string   { return k.prefix + "l:t:" + id }
func (k keys) limit(hash string) string     { return k.prefix + "l:r:" + hash }
func (k keys) ready() string                { return k.prefix + "l:ready" }
func (k keys) events() string               { return k.prefix + "events" }
func (k keys) heartbeat(inst string) string { return k.prefix + "beat:" + inst }
func (k keys) ofUser(sid string) string     { return k.user(sid[:halfLength]) }

// plainText tells whether s is UTF-8 of 1 to limit bytes without control
// characters: what an appid or an openid may be.
func plainText(s string, limit int) bool {
	if s == "" || len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || 0x7f <= r && r < 0xa0 }) < 0
}
