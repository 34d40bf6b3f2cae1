package main

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// rules hold a configuration against everything that its types can't say.
type rules struct {
	*Config
	*findings
	lines map[string]int
}

func (r *rules) check() {
	r.checkListeners()
	r.checkTLS()
	r.checkAuthPrefix()
	r.checkSecrets()
	r.checkApps()
	r.checkServices()
	r.checkRedis()
	r.checkSessions()
	r.checkIdentity()
	r.checkAdminTokens()
	r.checkRoutes()
}

// bad notes a problem with a key, on its line or, for a key that the file
// doesn't have, on the line of what should hold it.
func (r *rules) bad(key, format string, args ...any) {
	r.problem(r.line(key), key, format, args...)
}

func (r *rules) odd(key, format string, args ...any) {
	r.warning(r.line(key), key, format, args...)
}

func (r *rules) line(key string) int {
	for ; key != ""; key = parentKey(key) {
		if line, ok := r.lines[key]; ok {
			return line
		}
	}
	return 1
}

// firstWritten picks the first of two keys that the file has: a default is not
// what is wrong.
func (r *rules) firstWritten(key, other string) string {
	if _, ok := r.lines[key]; ok {
		return key
	}
	return other
}

// at names an entry of a list.
func at(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

// nonEmpty notes a required list that is there and empty.
func nonEmpty[T any](r *rules, key string, list []T) {
	if len(list) == 0 {
		r.bad(key, "wants at least one entry")
	}
}

// distinct notes the second of two equal entries of a list.
func distinct[T comparable](r *rules, key string, list []T) {
	for i, entry := range list {
		if first := slices.Index(list, entry); first < i {
			r.bad(at(key, i), "is the same as %s", at(key, first))
		}
	}
}

// checkAddress wants host:port, the host perhaps empty for every address.
func (r *rules) checkAddress(key, text string, needsHost bool) {
	host, port, ok := splitAddress(text)
	switch {
	case !ok || needsHost && host == "":
		r.bad(key, "%s is not an address such as 127.0.0.1:8080", quoted(text))
	case host != "" && !isHost(host):
		r.bad(key, "%s has no valid host", quoted(text))
	case needsHost && port == 0:
		r.bad(key, "%s has no port", quoted(text))
	}
}

// splitAddress is net.SplitHostPort for numbers as ports.
func splitAddress(text string) (host string, port int, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", 0, false
	}
	number, err := strconv.ParseUint(text[i+1:], 10, 16)
	if err != nil {
		return "", 0, false
	}
	host = text[:i]
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host, ok = strings.CutSuffix(inner, "]")
		return host, int(number), ok && strings.Contains(host, ":")
	}
	return host, int(number), !strings.Contains(host, ":")
}

// isHost says whether text is an IP address or a name in the DNS's alphabet.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return isHostname(text)
}

func isHostname(text string) bool {
	if len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

// isLabel allows the underscore, which names in container networks have.
func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return only(label, isAlphanumeric, "-_")
}

// only says whether text has no character beside those of class and extra.
func only(text string, class func(rune) bool, extra string) bool {
	for _, c := range text {
		if !class(c) && !strings.ContainsRune(extra, c) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isVisible: ASCII without space and controls.
func isCapital(c rune) bool { return 'A' <= c && c <= 'Z' }

func isVisible(c rune) bool { return '!' <= c && c <= '~' }

// isPrintable: any character that can't end a line or a field of a log.
func isPrintable(c rune) bool { return c >= ' ' && c != 0x7f && strconv.IsPrint(c) }

// checkURL wants an absolute URL of one of the schemes without user, query and
// fragment. The message shows only scheme and host: the rest may hold a secret.
func (r *rules) checkURL(key string, u URL, schemes ...string) {
	if u.URL == nil {
		r.bad(key, "is empty: write a URL such as %s://host:port", schemes[0])
		return
	}
	switch {
	case !slices.Contains(schemes, u.Scheme) || u.Opaque != "":
		r.bad(key, "is not a URL that begins with %s://", strings.Join(schemes, ":// or "))
	case !isHost(u.Hostname()) || !isPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		r.bad(key, "has no valid host")
	case u.User != nil:
		r.bad(key, "can't hold a user or password")
	case u.Fragment != "" || strings.Contains(u.String(), "#"):
		r.bad(key, "can't have a fragment (#)")
	}
}

func isPort(text string) bool {
	number, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && number > 0
}

// checkBase wants a URL's path to be one that others can be put behind.
func (r *rules) checkBase(key string, u URL) {
	if u.URL == nil {
		return
	}
	if u.RawQuery != "" || u.ForceQuery {
		r.bad(key, "can't have a query (?)")
		return
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if u.Path == "" {
		u.RawPath = ""
		return
	}
	if what := pathFault(u.EscapedPath()); what != "" {
		r.bad(key, "has a path that %s", what)
	}
}

// pathFault says what keeps path from being a clean absolute path that every
// parser reads alike; empty: nothing.
func pathFault(path string) string {
	switch {
	case !strings.HasPrefix(path, "/"):
		return "doesn't begin with /"
	case strings.Contains(path, "//"):
		return "has an empty segment (//)"
	case !only(path, isAlphanumeric, "/-._~!$&'()+,=:@"):
		return "has a character other than letters, digits and /-._~!$&'()+,=:@"
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return "has a dot segment"
		}
	}
	return ""
}

// below says whether path is prefix or lies below it, segment by segment.
func below(path, prefix string) bool {
	path, prefix = strings.TrimSuffix(path, "/"), strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// methodList prints the methods of a route.
func methodList(methods []string) string {
	if len(methods) == 0 {
		return "any"
	}
	return strings.Join(methods, ",")
}
