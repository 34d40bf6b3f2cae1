package session

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Entry is one key in Redis as Inspect shows it.
type Entry struct {
	Key    string        `json:"key"`
	Type   string        `json:"type"`   // hash or string
	TTL    time.Duration `json:"ttl_ns"` // 0: it doesn't expire
	Fields []Field       `json:"fields"` // sorted by name; a string has one without a name
}

// Field is a value in Redis with its meaning. Value is readable text: times are in RFC
// 3339, encrypted values are "sealed (N bytes)".
type Field struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
	Value   string `json:"value"`
}

// Inspect returns what Redis stores for a user: the record, the profile, the sessions,
// their cookie jars, and the app's access token. For a user who isn't stored it
// returns nothing. It is for development: it doesn't decrypt anything, needs several
// round trips, and the form of its result may change at any time.
func (s *Store) Inspect(ctx context.Context, appid, openid string) ([]Entry, error) {
	tag := userTag(appid, openid)
	user, err := s.inspectHash(ctx, s.keys.user(tag), userField)
	if err != nil || user == nil {
		return nil, err
	}
	entries := []Entry{*user}
	profile, err := s.inspectProfile(ctx, s.keys.profile(tag))
	entries = append(entries, profile...)
	if err != nil {
		return nil, err
	}
	for _, hash := range []struct {
		key  string
		read func(name, value string) Field
	}{{s.keys.sessions(tag), sessionField}, {s.keys.jars(tag), jarField}} {
		e, err := s.inspectHash(ctx, hash.key, hash.read)
		if err != nil {
			return nil, err
		}
		if e != nil {
			entries = append(entries, *e)
		}
	}
	token, err := s.inspectSealed(ctx, s.keys.accessToken(appid), "access token of the app")
	return append(entries, token...), err
}

func (s *Store) inspectProfile(ctx context.Context, key string) ([]Entry, error) {
	var text string
	err := s.redis.do(ctx, "inspect", key, func(ctx context.Context) (err error) {
		text, err = s.redis.Get(ctx, key).Result()
		return err
	})
	if isMissing(err) {
		return nil, nil
	}
	return []Entry{{Key: key, Type: "string", Fields: []Field{{"", "profile: w nickname, v avatar", text}}}}, err
}

// inspectHash reads a hash; nil if there is none.
func (s *Store) inspectHash(ctx context.Context, key string, read func(name, value string) Field) (*Entry, error) {
	var fields map[string]string
	err := s.redis.do(ctx, "inspect", key, func(ctx context.Context) (err error) {
		fields, err = s.redis.HGetAll(ctx, key).Result()
		return err
	})
	if err != nil || len(fields) == 0 {
		return nil, err
	}
	e := &Entry{Key: key, Type: "hash"}
	for name, value := range fields {
		e.Fields = append(e.Fields, read(name, value))
	}
	slices.SortFunc(e.Fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	e.TTL, err = s.timeToLive(ctx, key)
	return e, err
}

// inspectSealed reads the length of a sealed string; nil if there is none.
func (s *Store) inspectSealed(ctx context.Context, key, meaning string) ([]Entry, error) {
	var size int64
	err := s.redis.do(ctx, "inspect", key, func(ctx context.Context) (err error) {
		size, err = s.redis.StrLen(ctx, key).Result()
		return err
	})
	if err != nil || size == 0 {
		return nil, err
	}
	ttl, err := s.timeToLive(ctx, key)
	return []Entry{{Key: key, Type: "string", TTL: ttl, Fields: []Field{{"", meaning, describeSealed(size)}}}}, err
}

func (s *Store) timeToLive(ctx context.Context, key string) (ttl time.Duration, err error) {
	err = s.redis.do(ctx, "inspect", key, func(ctx context.Context) (err error) {
		ttl, err = s.redis.PTTL(ctx, key).Result()
		return err
	})
	return max(ttl, 0), err // negative: deleted meanwhile, or doesn't expire
}

// meaning is the purpose of a field and how to show its value.
type meaning struct {
	text string
	show func(value string) string
}

// The fields of the hashes, as keys lists them.
var (
	userMeanings = map[string]meaning{
		"f": {"first login", showMillis}, "l": {"last login", showMillis},
		"a": {"appid", verbatim}, "o": {"openid", verbatim}, "n": {"unionid", showSigned},
		"i": {"user id", showSigned}, "r": {"roles", showSigned}, "p": {"phone", showSigned}, "b": {"ban: its end and its reason", showSigned},
	}
	sessionMeanings = map[string]meaning{
		"s": {"creation and absolute end", showSignedTimes},
		"l": {"last seen, end of the newest token, 1: the user's first session", showLastUse},
		"k": {"session_key", showSealed}, "i": {"user id", showSigned}, "r": {"roles", showSigned},
		"w": {"of a web page: the session that it was opened from", showParent},
	}
)

func userField(name, value string) Field {
	if m, known := userMeanings[name]; known {
		return Field{name, m.text, m.show(value)}
	}
	return unknownField(name, value)
}

// sessionField shows the random half of the session id as text.
func sessionField(name, value string) Field {
	if len(name) <= rawLength {
		return unknownField(name, value)
	}
	half, kind := textHalf(name[:rawLength]), name[rawLength:]
	if m, known := sessionMeanings[kind]; known {
		return Field{half + " " + kind, m.text, m.show(value)}
	}
	if len(kind) == opaqueFieldLength && kind[0] == 't' {
		return Field{half + " t…", "end of the token with this hash", showSeconds(showSigned(value))}
	}
	return unknownField(name, value)
}

func jarField(name, value string) Field {
	if len(name) <= rawLength {
		return unknownField(name, value)
	}
	return Field{textHalf(name[:rawLength]) + " " + name[rawLength:], "cookies of this backend", showSealed(value)}
}

// unknownField doesn't show the value: it may be a secret.
func unknownField(name, value string) Field {
	return Field{strings.ToValidUTF8(name, "?"), "", showSealed(value)}
}

// opaqueFieldLength is the length of opaqueField's result.
const opaqueFieldLength = 17

// showSigned removes the MAC.
func showSigned(value string) string {
	if len(value) < fieldMACLength {
		return ""
	}
	return value[:len(value)-fieldMACLength]
}

func showSignedTimes(value string) string {
	created, ends, _ := strings.Cut(showSigned(value), " ")
	return showMillis(created) + " " + showMillis(ends)
}

func showLastUse(value string) string {
	parts := strings.Fields(value)
	if len(parts) != 3 {
		return ""
	}
	return showMillis(parts[0]) + " " + showSeconds(parts[1]) + " " + parts[2]
}

// showParent shows the random half of the parent's id, and when the web session was
// created.
func showParent(value string) string {
	text := showSigned(value)
	if len(text) < rawLength {
		return ""
	}
	return textHalf(text[:rawLength]) + " " + showMillis(text[rawLength:])
}

func verbatim(value string) string { return value }

func showSealed(value string) string { return describeSealed(int64(len(value))) }

func describeSealed(size int64) string { return fmt.Sprintf("sealed (%d bytes)", size) }

func showMillis(value string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return ""
	}
	if n == 0 {
		return "never"
	}
	return time.UnixMilli(n).UTC().Format("2006-01-02T15:04:05.000Z")
}

func showSeconds(value string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return ""
	}
	return time.Unix(n, 0).UTC().Format(time.RFC3339)
}
