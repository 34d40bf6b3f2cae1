package httprule

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Origin is the origin of a web page (RFC 6454): scheme, host and port, in one
// form, so that two are the same if they are equal. The zero value is no
// origin.
type Origin struct {
	scheme string // http or https
	host   string // lower case, IPv6 addresses without brackets
	port   uint16 // the effective one: 80 and 443 where none is written
}

var errOrigin = errors.New("an origin is http:// or https://, a host, and a port where it isn't the usual one; nothing behind it")

// ParseOrigin reads an origin as a browser sends it and as an operator writes
// it: capitals and the scheme's own port make no difference. Paths, users,
// wildcards and "null" are errors.
func ParseOrigin(text string) (Origin, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#") {
		return Origin{}, errOrigin
	}
	return NewOrigin(u.Scheme, u.Host)
}

// NewOrigin makes the origin of a scheme and a Host header.
func NewOrigin(scheme, host string) (Origin, error) {
	o := Origin{scheme: strings.ToLower(scheme)}
	usual := map[string]string{"http": "80", "https": "443"}[o.scheme]
	name, port := splitHostPort(host)
	if port == "" {
		port = usual
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if usual == "" || err != nil || n == 0 || !validOriginHost(name) {
		return Origin{}, errOrigin
	}
	o.host, o.port = strings.ToLower(name), uint16(n)
	return o, nil
}

// splitHostPort takes brackets off an IPv6 address.
func splitHostPort(host string) (name, port string) {
	if name, port, err := net.SplitHostPort(host); err == nil {
		return name, port
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1], ""
	}
	return host, ""
}

func validOriginHost(name string) bool {
	if strings.Contains(name, ":") {
		addr, err := netip.ParseAddr(name)
		return err == nil && addr.Zone() == ""
	}
	for i := range len(name) {
		c := name[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_'
		if !plain {
			return false
		}
	}
	return name != ""
}

// Host is the form of a Host header: lower case, the port only where it isn't
// the scheme's own.
func (o Origin) Host() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.scheme == "http" && o.port == 80 || o.scheme == "https" && o.port == 443 {
		return host
	}
	return host + ":" + strconv.Itoa(int(o.port))
}

// String is the form that browsers send in Origin; "null" for the zero value.
func (o Origin) String() string {
	if o == (Origin{}) {
		return "null"
	}
	return o.scheme + "://" + o.Host()
}
