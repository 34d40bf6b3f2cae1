package httprule

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxHost is the longest name that DNS has, in bytes (RFC 1035, section 2.3.4);
// maxLabel the longest part between dots.
const (
	maxHost  = 253
	maxLabel = 63
)

// RoutingHost gives the host to route by: lower case, without port and
// trailing dot. It refuses what is no host name, IPv4 or bracketed IPv6 address
// with an optional port (RFC 3986, section 3.2.2).
func RoutingHost(host string) (string, bool) {
	name, ok := CutPort(host)
	if !ok {
		return "", false
	}
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > maxHost || !hostBytes(name) {
		return "", false
	}
	return strings.ToLower(name), true
}

// ValidHost reports whether RoutingHost accepts a host that a header names.
func ValidHost(host string) bool {
	_, ok := RoutingHost(host)
	return ok
}

// validHostname accepts a name in the DNS's alphabet, with the underscore that
// names in container networks have. Each is its own RoutingHost, letter case aside.
func validHostname(name string) bool {
	if len(name) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !validLabel(label) {
			return false
		}
	}
	return true
}

// ValidRouteHost accepts a route's host: a name, or *. and a name.
func ValidRouteHost(host string) bool {
	return validHostname(strings.TrimPrefix(host, "*."))
}

// ValidAddressHost accepts the host of a configured address or URL: a name, or
// an IP address without brackets.
func ValidAddressHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return validHostname(host)
}

func validLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// CutPort gives a host without its port; a bracketed IPv6 address keeps its
// brackets. It refuses a port that is no number from 1 to 65535; an empty one
// counts as none (RFC 3986, section 3.2.3).
func CutPort(host string) (name string, ok bool) {
	name, port, _ := strings.Cut(host, ":")
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", false
		}
		rest := host[end+1:]
		if rest != "" && rest[0] != ':' {
			return "", false
		}
		name, port = host[:end+1], strings.TrimPrefix(rest, ":")
	}
	return name, validPort(port)
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && port[0] != '+' && len(port) <= len("65535")
}

func hostBytes(name string) bool {
	inner := name
	allowed := func(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' }
	if name[0] == '[' {
		inner = name[1 : len(name)-1]
		allowed = func(c byte) bool { return isHex(c) || c == ':' || c == '.' }
	}
	for i := range len(inner) {
		if !allowed(inner[i]) {
			return false
		}
	}
	return inner != "" && name[0] != '.' && name[len(name)-1] != '.' && !strings.Contains(name, "..")
}
