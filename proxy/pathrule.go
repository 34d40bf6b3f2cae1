package proxy

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"wxgate/apierror"
)

// CheckPath refuses a request target that two parsers could read differently,
// before any rule looks at it: what the gateway judges must be what the
// backend serves. It gives nil, or a bad_path fault.
//
// Refused are: a target that does not begin with one slash; "//"; a segment
// that is "." or "..", encoded or with parameters ("..;x"); a backslash, raw
// or encoded; an encoded slash; ";" before a slash; "#"; blanks and control characters;
// broken escapes; escapes that are not UTF-8 (overlong forms of "/" and "."
// are read as such by some servers); and escapes of escapes that hide one of
// these from all but a server that decodes twice. "%25" else stays as it is.
//
// It reads each byte of an ordinary path once and allocates nothing.
func CheckPath(r *http.Request) *apierror.Error {
	target, ok := originForm(r)
	if !ok || !safeTarget(target) {
		return badPath()
	}
	return nil
}

func badPath() *apierror.Error {
	return closing(apierror.New(apierror.BadPath, "the path could be read in more than one way"))
}

// originForm gives the path and query of the request target as they were sent,
// also out of the absolute form (RFC 9112, section 3.2.2).
func originForm(r *http.Request) (string, bool) {
	target := r.RequestURI
	if r.URL.Scheme == "" || r.ProtoMajor > 1 {
		return target, true
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return "", false
	}
	slash := strings.IndexAny(rest, "/?#")
	if slash < 0 {
		return "", false
	}
	return rest[slash:], true
}

// safeTarget judges the path of a request target as it was sent; a query, from
// "?" on, only may hold no "#", blank or control character.
func safeTarget(target string) bool {
	path, query, _ := strings.Cut(target, "?")
	return safeQuery(query) && safePath(path)
}

func safeQuery(query string) bool {
	for i := range len(query) {
		if c := query[i]; c == '#' || c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

func safePath(path string) bool {
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
		return safeEscapedPath(path)
	}
	return !hasDotSegment(path)
}

// maxDecodings bounds how often a path is decoded to see what is in it; what
// has escapes left then is nobody's honest path.
const maxDecodings = 4

// safeEscapedPath is the careful reading, for paths with escapes, parameters or
// bytes beyond ASCII: it holds for servers that decode once, twice or more often.
func safeEscapedPath(path string) bool {
	for depth := range maxDecodings {
		decoded, ok := decodeSafely(path, depth > 0)
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

// decodeSafely decodes a path once, unless there is something in it that
// servers disagree about. A "%" that is no escape is let stand on demand.
func decodeSafely(path string, lenient bool) (string, bool) {
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
	hi, okHi := unhex(s[1])
	lo, okLo := unhex(s[2])
	if !okHi || !okLo {
		return s[0], false
	}
	return hi<<4 | lo, true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
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
