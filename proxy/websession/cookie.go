package websession

import (
	"net/http"
	"strings"
	"time"
)

// Cookie is the cookie of web sessions: HttpOnly, for this host alone, not sent
// from other sites' pages but by following a link.
type Cookie struct {
	Name string // e.g. __Host-wxgate; "": there are no web sessions

	// Insecure leaves Secure out, for a development server without TLS.
	Insecure bool
}

// Read gives the cookie's value out of the Cookie lines. Two of the name count
// as none: one of them was put there by somebody else, and which one can't be
// told.
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

// Strip takes the cookie out of the Cookie lines that a backend gets, in any
// spelling that a backend could take for it, and joins what is left in one
// line: "" where nothing is.
func (c Cookie) Strip(lines []string) string {
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.Trim(pair, " \t"); pair != "" && !c.named(pair) {
				kept = append(kept, pair)
			}
		}
	}
	return strings.Join(kept, "; ")
}

// SetBy reports whether a Set-Cookie line of a backend sets this cookie. One
// without a name counts: browsers send its value as if it held the name.
func (c Cookie) SetBy(line string) bool {
	pair, _, _ := strings.Cut(line, ";")
	return c.named(strings.Trim(pair, " \t"))
}

func (c Cookie) named(pair string) bool {
	if c.Name == "" {
		return false
	}
	name, _, _ := strings.Cut(strings.TrimLeft(pair, "= \t"), "=")
	return strings.EqualFold(strings.Trim(name, " \t\""), c.Name)
}

// Set makes the Set-Cookie line that keeps value in the browser for maxAge.
func (c Cookie) Set(value string, maxAge time.Duration) string {
	return c.line(value, max(1, int(maxAge/time.Second)))
}

// Clear makes the Set-Cookie line that takes the cookie out of the browser.
func (c Cookie) Clear() string { return c.line("", -1) }

func (c Cookie) line(value string, maxAge int) string {
	cookie := http.Cookie{
		Name: c.Name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: !c.Insecure, SameSite: http.SameSiteLaxMode,
	}
	return cookie.String()
}
