package httprule

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"
)

// ValidRequestTarget applies ValidTarget to a request's target, which may be in
// absolute form (RFC 9112, section 3.2.2).
func ValidRequestTarget(r *http.Request) bool {
	target, ok := OriginForm(r)
	return ok && ValidTarget(target)
}

// OriginForm returns the path and query of the request target as the client sent
// them. It reports false for an absolute form that is not an http or https URL.
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

// ValidTarget refuses a request target that two parsers could interpret
// differently: the path that the gateway checks must be the one that the backend
// serves.
//
// It refuses a target that does not begin with one slash; "//"; a segment that
// is "." or "..", encoded or with parameters ("..;x"); a backslash, raw or
// encoded; an encoded slash; ";" before a slash; "#"; spaces and control
// characters; invalid escapes; escapes that are not UTF-8 (some servers decode
// overlong forms of "/" and "."); and multiply encoded forms of all these, for
// servers that decode more than once. Any other "%25" is valid.
//
// In the query, from "?" on, only "#", spaces and control characters are
// refused. An ordinary path is read once, without allocation.
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
	plain := true // no escapes, parameters or bytes beyond ASCII
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

// maxDecodings bounds how often a path is decoded. A path that still has escapes
// after that is refused.
const maxDecodings = 4

// validEscapedPath checks a path with escapes, parameters or bytes beyond ASCII,
// for servers that decode it up to maxDecodings times.
func validEscapedPath(path string) bool {
	for depth := range maxDecodings {
		decoded, ok := decodeOnce(path, depth > 0)
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

// decodeOnce decodes every escape of a path once. It reports false for bytes
// that servers interpret differently and, unless lenient, for an invalid escape.
func decodeOnce(path string, lenient bool) (string, bool) {
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

// unescape decodes the escape at the beginning of s. Without one it returns the
// first byte of s and false.
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

// hasDotSegment reports whether a segment is "." or "..", with or without
// parameters: some servers remove those before they resolve dot segments.
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

// CheckConfigPath accepts a path of the configuration (routes, prefixes, base
// paths): a ValidPath without escapes and parameters, which has only one
// spelling. The error completes a sentence that begins with the path.
func CheckConfigPath(path string) error {
	switch {
	case !strings.HasPrefix(path, "/"):
		return errors.New("doesn't begin with /")
	case strings.Contains(path, "//"):
		return errors.New("has an empty segment (//)")
	case !onlyConfigPathBytes(path):
		return errors.New("has a character other than letters, digits and " + configPathPunctuation)
	case hasDotSegment(path):
		return errors.New("has a dot segment")
	}
	return nil
}

const configPathPunctuation = "/-._~!$&'()+,=:@"

func onlyConfigPathBytes(path string) bool {
	for i := range len(path) {
		if c := path[i]; !isAlphanumeric(c) && strings.IndexByte(configPathPunctuation, c) < 0 {
			return false
		}
	}
	return true
}

// PathWithin reports whether path is prefix or below it, by whole segments. A
// trailing slash makes no difference.
func PathWithin(path, prefix string) bool {
	path, prefix = strings.TrimSuffix(path, "/"), strings.TrimSuffix(prefix, "/")
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}
