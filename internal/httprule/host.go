package httprule

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxHost is the length limit of a DNS name, maxLabel that of a label between
// dots, in bytes (RFC 1035, section 2.3.4).
const (
	maxHost  = 253
	maxLabel = 63
)

// RoutingHost returns the host that selects a route: lower case, without port
// and trailing dot. It reports false for anything but a host name, an IPv4 or a
// bracketed IPv6 address, with an optional port (RFC 3986, section 3.2.2).
func RoutingHost(host string) (string, bool) {
	name, ok := StripPort(host)
	if !ok {
		return "", false
	}
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > maxHost || !hostBytes(name) {
		return "", false
	}
	return strings.ToLower(name), true
}

// ValidHost reports whether RoutingHost accepts the value of a Host header.
func ValidHost(host string) bool {
	_, ok := RoutingHost(host)
	return ok
}

// validHostname accepts letters, digits, hyphens and, for container networks,
// underscores in labels of valid length. RoutingHost returns such a name
// unchanged, except for letter case.
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

// ValidRouteHost accepts a route's host: a name, or "*." followed by a name.
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

// StripPort returns a host without its port; a bracketed IPv6 address keeps its
// brackets. It reports false for a port that is not a number from 1 to 65535; an
// empty port is the same as none (RFC 3986, section 3.2.3).
func StripPort(host string) (name string, ok bool) {
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
