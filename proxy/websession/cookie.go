package websession

import (
	"net/http"
	"strings"
	"time"
)

// Cookie is the cookie of web sessions. It is HttpOnly, host-only, and SameSite=Lax: with
// a request from another site's page a browser sends it only for a link that a person
// follows.
type Cookie struct {
	Name string // e.g. __Host-wxgate; "": web sessions are off

	// Insecure omits the Secure attribute, for a development server without TLS.
	Insecure bool
}

// Read returns the cookie's value from the lines of the Cookie header. Two cookies of the
// name count as none: an attacker may have set one of them, and they can't be told apart.
func (c Cookie) Read(lines []string) (string, bool) {
	value, found := "", 0
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, v, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if name == c.Name {
				value = v
				found++
			}
		}
	}
	return value, found == 1 && value != ""
}

// Strip removes the cookie from the lines of the Cookie header, in every spelling that a
// backend could read as its name. It returns the remaining cookies on one line; "" if
// there are none.
func (c Cookie) Strip(lines []string) string {
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.Trim(pair, " \t"); pair != "" && !c.hasName(pair) {
				kept = append(kept, pair)
			}
		}
	}
	return strings.Join(kept, "; ")
}

// SetBy reports whether a Set-Cookie line sets this cookie. A line that begins with "="
// counts too: browsers send its value alone, so that "=name=x" comes back as "name=x".
func (c Cookie) SetBy(line string) bool {
	pair, _, _ := strings.Cut(line, ";")
	return c.hasName(strings.Trim(pair, " \t"))
}

// hasName reports whether a backend could read the name=value pair as this cookie.
func (c Cookie) hasName(pair string) bool {
	if c.Name == "" {
		return false
	}
	name, _, _ := strings.Cut(strings.TrimLeft(pair, "= \t"), "=")
	return strings.EqualFold(strings.Trim(name, " \t\""), c.Name)
}

// Set returns the Set-Cookie line that sets the cookie for maxAge.
func (c Cookie) Set(value string, maxAge time.Duration) string {
	return c.line(value, max(1, int(maxAge/time.Second)))
}

// Clear returns the Set-Cookie line that deletes the cookie.
func (c Cookie) Clear() string { return c.line("", -1) }

func (c Cookie) line(value string, maxAge int) string {
	cookie := http.Cookie{
		Name: c.Name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: !c.Insecure, SameSite: http.SameSiteLaxMode,
	}
	return cookie.String()
}
