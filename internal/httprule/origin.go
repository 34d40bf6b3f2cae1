package httprule

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Origin is the origin of a web page (RFC 6454): scheme, host and port in
// normalised form, so that == compares origins. The zero value is no origin.
type Origin struct {
	scheme string // http or https
	host   string // lower case, IPv6 addresses without brackets
	port   uint16 // the scheme's default, 80 or 443, if the text has none
}

var errOrigin = errors.New("not an origin: http:// or https://, a host, and a port if it isn't the default one")

// ParseOrigin parses an Origin header or a configured origin. Letter case and an
// explicit default port make no difference. A path, user information, wildcards
// and "null" are errors.
func ParseOrigin(text string) (Origin, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#") {
		return Origin{}, errOrigin
	}
	return NewOrigin(u.Scheme, u.Host)
}

// NewOrigin returns the origin for a scheme and the value of a Host header.
func NewOrigin(scheme, host string) (Origin, error) {
	o := Origin{scheme: strings.ToLower(scheme)}
	defaultPort := map[string]string{"http": "80", "https": "443"}[o.scheme]
	name, port := splitHostPort(host)
	if port == "" {
		port = defaultPort
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if defaultPort == "" || err != nil || n == 0 || !validOriginHost(name) {
		return Origin{}, errOrigin
	}
	o.host, o.port = strings.ToLower(name), uint16(n)
	return o, nil
}

// splitHostPort is net.SplitHostPort with an optional port. An IPv6 address loses
// its brackets.
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
		if c := name[i]; !isAlphanumeric(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return name != ""
}

// Host returns the value of a Host header: lower case, without the scheme's
// default port.
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

// String returns the value of an Origin header; "null" for the zero value.
func (o Origin) String() string {
	if o == (Origin{}) {
		return "null"
	}
	return o.scheme + "://" + o.Host()
}
