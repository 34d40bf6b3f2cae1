package proxy

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Limits of one backend's cookies in one session. RFC 6265, section 6.1 requires 50
// cookies of 4096 bytes; the total size is limited because it is stored in Redis.
const (
	maxCookies     = 50
	maxCookieBytes = 4096
	maxJarBytes    = 32 << 10
)

// storedCookie is a cookie in the jar, as it is stored in Redis. It has no Domain: a jar
// belongs to one backend, and its cookies are sent to that backend only.
type storedCookie struct {
	Name    octets    `json:"n"`
	Value   octets    `json:"v"`
	Path    octets    `json:"p"`
	Expires time.Time `json:"e,omitzero"` // zero: at the end of the session
}

// octets is text that need not be UTF-8. It is base64 in JSON, which would replace
// invalid bytes.
type octets string

func (o octets) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, []byte(o)), nil
}

func (o *octets) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	*o = octets(raw)
	return err
}

// readJar decodes a stored jar. An invalid one is empty.
func readJar(stored []byte) []storedCookie {
	var jar []storedCookie
	if len(stored) == 0 || json.Unmarshal(stored, &jar) != nil {
		return nil
	}
	return jar
}

// cookieLine is the Cookie header for a path: cookies with longer paths first, then those
// that were set first (RFC 6265, section 5.4).
func cookieLine(jar []storedCookie, path string, now time.Time) string {
	matching := slices.DeleteFunc(slices.Clone(jar), func(c storedCookie) bool {
		return c.expired(now) || !pathMatches(path, string(c.Path))
	})
	slices.SortStableFunc(matching, func(a, b storedCookie) int { return len(b.Path) - len(a.Path) })
	var line strings.Builder
	for i, c := range matching {
		if i > 0 {
			line.WriteString("; ")
		}
		line.WriteString(string(c.Name) + "=" + string(c.Value))
	}
	return line.String()
}

func (c storedCookie) expired(now time.Time) bool {
	return !c.Expires.IsZero() && !c.Expires.After(now)
}

// pathMatches implements path-match of RFC 6265, section 5.1.4.
func pathMatches(path, cookiePath string) bool {
	rest, ok := strings.CutPrefix(path, cookiePath)
	return ok && (rest == "" || strings.HasSuffix(cookiePath, "/") || rest[0] == '/')
}

// addCookies adds cookies to the jar. A cookie replaces the one with the same name and
// path, expired ones are removed, and the oldest ones are removed above the limits.
func addCookies(jar, set []storedCookie, now time.Time) []storedCookie {
	for _, c := range set {
		i := slices.IndexFunc(jar, func(old storedCookie) bool { return old.Name == c.Name && old.Path == c.Path })
		if i < 0 {
			jar = append(jar, c)
		} else {
			jar[i] = c
		}
	}
	return shrinkJar(slices.DeleteFunc(jar, func(c storedCookie) bool { return c.expired(now) }))
}

// shrinkJar removes the oldest cookies until the jar is within the limits.
func shrinkJar(jar []storedCookie) []storedCookie {
	size := 0
	for i, c := range slices.Backward(jar) {
		size += len(c.Name) + len(c.Value) + len(c.Path)
		if len(jar)-i > maxCookies || size > maxJarBytes {
			return slices.Clone(jar[i+1:])
		}
	}
	return jar
}

// defaultPath implements default-path of RFC 6265, section 5.1.4.
func defaultPath(requestPath string) string {
	if last := strings.LastIndexByte(requestPath, '/'); last > 0 {
		return requestPath[:last]
	}
	return "/"
}
