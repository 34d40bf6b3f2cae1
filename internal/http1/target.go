package http1

import (
	"net/http"
	"net/url"
	"strings"

	"wxgate/internal/httprule"
)

func badTarget(detail string) *Refusal { return &Refusal{Reason: BadTarget, Detail: detail} }

// checkTargetBytes refuses bytes that no request target has: blanks, control characters,
// bytes that are not ASCII, and a fragment.
func checkTargetBytes(target []byte) *Refusal {
	for _, c := range target {
		switch {
		case c == ' ' || c == '\t':
			return malformed("the request target holds a blank")
		case byteClasses[c]&targetByte == 0:
			return malformed("the request target holds a byte that is not printable ASCII")
		case c == '#':
			return badTarget("the request target holds a fragment")
		}
	}
	return nil
}

// parseTarget fills u from one of the four forms of a target (RFC 9112, section
// 3.2): origin, absolute (http and https), authority (CONNECT alone), and
// asterisk (OPTIONS alone). CONNECT in origin form, as some clients send it, is left to
// the handler.
func parseTarget(u *url.URL, method, target string) *Refusal {
	switch {
	case method == http.MethodConnect && target[0] != '/':
		if !validHost(target) || !strings.Contains(target, ":") {
			return badTarget("the target of CONNECT must be a host and a port")
		}
		*u = url.URL{Host: target}
		return nil
	case target == "*":
		if method != http.MethodOptions {
			return badTarget("the request target * is for OPTIONS")
		}
		*u = url.URL{Path: "*"}
		return nil
	case target[0] == '/':
		return parseOrigin(u, target)
	}
	return parseAbsolute(u, target)
}

func parseOrigin(u *url.URL, target string) *Refusal {
	if path, query, found := strings.Cut(target, "?"); unescapedPath(path) {
		*u = url.URL{Path: path, RawQuery: query, ForceQuery: found && query == ""}
		return nil
	}
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		return badTarget("the request target holds a broken escape")
	}
	*u = *parsed
	return nil
}

// unescapedPath reports whether a path holds no escapes and nothing that needs one.
func unescapedPath(path string) bool {
	for i := range len(path) {
		if c := path[i]; !isHostByte(c) && c != '/' && c != '~' {
			return false
		}
	}
	return true
}

// parseAbsolute parses the absolute form. Without a path, the path is "/".
func parseAbsolute(u *url.URL, target string) *Refusal {
	parsed, err := url.ParseRequestURI(target)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Opaque != "" {
		return badTarget("the request target must be a path or a URL")
	}
	if parsed.User != nil || !validHost(parsed.Host) {
		return &Refusal{Reason: BadHost, Detail: "the request target names no valid host"}
	}
	*u = *parsed
	if u.Path == "" {
		u.Path = "/"
	}
	return nil
}

// validHost accepts a host name, an IPv4 address or a bracketed IPv6 address, with an
// optional port. Of the bytes that RFC 3986 allows it accepts those of DNS names: parsers
// agree about them.
func validHost(host string) bool {
	name, ok := httprule.StripPort(host)
	if !ok || name == "" {
		return false
	}
	if name[0] == '[' {
		return validIPv6(name[1 : len(name)-1])
	}
	for i := range len(name) {
		if !isHostByte(name[i]) {
			return false
		}
	}
	return true
}

func validIPv6(inner string) bool {
	for i := range len(inner) {
		if c := inner[i]; c != ':' && c != '.' && unhex(c) < 0 {
			return false
		}
	}
	return inner != ""
}

// unhex returns a hex digit's value, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
