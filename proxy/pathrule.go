package proxy

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"wxgate/fault"
)

// CheckPath refuses a request target that two parsers could read differently,
// before any rule looks at it: what the gateway judges must be what the
// backend serves. It gives nil, or a bad_path fault.
//
// Refused are: a target that does not begin with one slash; "//"; a segment
// that is "." or "..", encoded or with parameters ("..;x"); a backslash, raw
// or encoded; an encoded slash; ";" before a slash; "#"; control characters;
// broken escapes; and escapes that are not UTF-8 (overlong forms of "/" and "."
// are read as such by some servers). "%25" stays as it is and is decoded once.
//
// It reads each byte once and allocates nothing.
func CheckPath(r *http.Request) *fault.Fault {
	target := r.RequestURI
	if target == "" || target[0] != '/' {
		// Absolute form (RFC 9112, section 3.2.2) and HTTP/2 leave the path here.
		target = r.URL.EscapedPath()
	}
	if !safeTarget(target) {
		f := fault.New(fault.BadPath, "the path could be read in more than one way")
		f.Close = true
		return f
	}
	return nil
}

// safeTarget judges the path of a request target as it was sent; a query, from
// "?" on, only may hold no "#" and no control character.
func safeTarget(target string) bool {
	path, query, _ := strings.Cut(target, "?")
	return safeQuery(query) && safePath(path)
}

func safeQuery(query string) bool {
	for i := range len(query) {
		if c := query[i]; c == '#' || c < 0x20 || c == 0x7f {
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
		case c < 0x20, c == 0x7f, c == '\\', c == '#':
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

// safeEscapedPath is the careful reading, for paths with escapes, parameters or
// bytes beyond ASCII.
func safeEscapedPath(path string) bool {
	decoded := make([]byte, 0, len(path))
	parameters := false // a ";" was seen
	for i := 0; i < len(path); i++ {
		c, escaped := path[i], false
		if c == '%' {
			if i+2 >= len(path) {
				return false
			}
			hi, okHi := unhex(path[i+1])
			lo, okLo := unhex(path[i+2])
			if !okHi || !okLo {
				return false
			}
			c, escaped, i = hi<<4|lo, true, i+2
		}
		switch {
		case escaped && c == '/', c == '\\', c < 0x20, c == 0x7f:
			return false
		case c == ';':
			parameters = true
		case c == '/' && parameters:
			return false
		}
		decoded = append(decoded, c)
	}
	return utf8.Valid(decoded) && !hasDotSegment(string(decoded))
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
