package httprule

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"
)

// ValidRequestTarget applies the rule of ValidTarget to a request, whose
// target may also be in absolute form (RFC 9112, section 3.2.2).
func ValidRequestTarget(r *http.Request) bool {
	target, ok := OriginForm(r)
	return ok && ValidTarget(target)
}

// OriginForm gives the path and query of the request target as they were sent.
func OriginForm(r *http.Request) (string, bool) {
	target := r.RequestURI
	if r.URL.Scheme == "" || r.ProtoMajor > 1 {
		return target, true
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return "", false
	}
	at := strings.IndexAny(rest, "/?#")
	switch {
	case at < 0:
		return "/", true // RFC 9110, section 4.2.3: an empty path is "/"
	case rest[at] == '?':
		return "/" + rest[at:], true
	}
	return rest[at:], true
}

// ValidTarget refuses a request target that two parsers could read
// differently: what the gateway checks must be what the backend serves.
//
// Refused are: a target that does not begin with one slash; "//"; a segment
// that is "." or "..", encoded or with parameters ("..;x"); a backslash, raw
// or encoded; an encoded slash; ";" before a slash; "#"; blanks and control characters;
// broken escapes; escapes that are not UTF-8 (overlong forms of "/" and "."
// are read as such by some servers); and escapes of escapes that hide one of
// these from all but a server that decodes twice. "%25" else stays as it is.
//
// A query, from "?" on, only may hold no "#", blank or control character. The
// function reads each byte of an ordinary path once and allocates nothing.
func ValidTarget(target string) bool {
	path, query, _ := strings.Cut(target, "?")
	return validQuery(query) && ValidPath(path)
}

func validQuery(query string) bool {
	for i := range len(query) {
		if c := query[i]; c == '#' || c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// ValidPath is ValidTarget for a path alone, without a query.
func ValidPath(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	plain := true // no byte that needs a closer look
	for i := range len(path) {
		switch c := path[i]; {
		case c == '%', c == ';', c >= utf8.RuneSelf:
			plain = false
		case c <= ' ', c == 0x7f, c == '\\', c == '#':
			return false
		case c == '/' && i > 0 && path[i-1] == '/':
			return false
		}
	}
	if !plain {
		return validEscapedPath(path)
	}
	return !hasDotSegment(path)
}

// maxDecodings bounds how often a path is decoded to see what is in it; what
// has escapes left then has no legitimate use.
const maxDecodings = 4

// validEscapedPath is the careful reading, for paths with escapes, parameters or
// bytes beyond ASCII: it holds for servers that decode once, twice or more often.
func validEscapedPath(path string) bool {
	for depth := range maxDecodings {
		decoded, ok := decodeStrictly(path, depth > 0)
		if !ok || !utf8.ValidString(decoded) || hasDotSegment(decoded) {
			return false
		}
		if decoded == path || strings.IndexByte(decoded, '%') < 0 {
			return true
		}
		path = decoded
	}
	return false
}

// decodeStrictly decodes a path once, unless there is something in it that
// servers disagree about. A "%" that is no escape is let stand on demand.
func decodeStrictly(path string, lenient bool) (string, bool) {
	decoded := make([]byte, 0, len(path))
	parameters := false // a ";" was seen
	for i := 0; i < len(path); i++ {
		c, escaped := path[i], false
		if c == '%' {
			if c, escaped = unescape(path[i:]); escaped {
				i += 2
			} else if !lenient {
				return "", false
			}
		}
		switch {
		case escaped && c == '/', c == '\\', c < 0x20, c == 0x7f:
			return "", false
		case c == ';':
			parameters = true
		case c == '/' && parameters:
			return "", false
		}
		decoded = append(decoded, c)
	}
	return string(decoded), true
}

// unescape reads the escape that s begins with, or gives its first byte.
func unescape(s string) (c byte, ok bool) {
	if len(s) < 3 {
		return s[0], false
	}
	hi, okHi := hexValue(s[1])
	lo, okLo := hexValue(s[2])
	if !okHi || !okLo {
		return s[0], false
	}
	return hi<<4 | lo, true
}

// hasDotSegment finds "." and ".." between slashes, also with parameters
// behind them, which some servers cut off before they resolve dots.
func hasDotSegment(path string) bool {
	for rest := path; rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		if len(segment) == 0 || segment[0] != '.' {
			continue
		}
		segment, _, _ = strings.Cut(segment, ";")
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// CleanPath accepts the paths of a configuration (routes, prefixes, base
// paths): those of ValidPath that need no escapes and hold no parameters, so
// that they are the same in every form.
func CleanPath(path string) error {
	switch {
	case !strings.HasPrefix(path, "/"):
		return errors.New("doesn't begin with /")
	case strings.Contains(path, "//"):
		return errors.New("has an empty segment (//)")
	case !cleanBytes(path):
		return errors.New("has a character other than letters, digits and " + cleanPunctuation)
	case hasDotSegment(path):
		return errors.New("has a dot segment")
	}
	return nil
}

const cleanPunctuation = "/-._~!$&'()+,=:@"

func cleanBytes(path string) bool {
	for i := range len(path) {
		if c := path[i]; !isAlphanumeric(c) && strings.IndexByte(cleanPunctuation, c) < 0 {
			return false
		}
	}
	return true
}

// PathWithin reports whether path is prefix or lies below it, by whole
// segments. A slash at the end of either makes no difference.
func PathWithin(path, prefix string) bool {
	path, prefix = strings.TrimSuffix(path, "/"), strings.TrimSuffix(prefix, "/")
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}
