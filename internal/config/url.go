package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

// URL is an absolute URL. The zero URL, written "", means that none is configured.
type URL struct{ *url.URL }

// UnmarshalText's errors never quote the text: it may hold a password.
func (u *URL) UnmarshalText(text []byte) error {
	u.URL = nil
	if len(text) == 0 {
		return nil
	}
	if host := hostWithoutScheme(string(text)); host != "" {
		return fmt.Errorf("has no scheme: write http://%s or https://%s", host, host)
	}
	parsed, err := url.Parse(string(text))
	if err != nil {
		return errors.New("is not a URL")
	}
	u.URL = parsed
	return nil
}

// hostWithoutScheme returns the host and, if there is one, the port of a URL that
// lacks a scheme, such as 10.0.0.5:8080/base. For a port alone it adds the
// loopback address.
func hostWithoutScheme(text string) string {
	authority, _, _ := strings.Cut(text, "/")
	if authority != "" && isPort(authority) {
		return "127.0.0.1:" + authority
	}
	host, _, ok := SplitAddress(authority)
	if !ok {
		host = authority
	}
	if host == "" || !httprule.ValidAddressHost(host) {
		return ""
	}
	return authority
}

// MarshalText replaces the query, which may hold a secret.
func (u URL) MarshalText() ([]byte, error) {
	if u.URL == nil {
		return nil, nil
	}
	shown := *u.URL
	if shown.RawQuery != "" {
		shown.RawQuery = "redacted"
	}
	return []byte(shown.String()), nil
}

// sentInPlainText reports whether requests to a URL leave this machine without TLS.
func sentInPlainText(u *url.URL) bool {
	return u != nil && u.Scheme == "http" && !isLoopbackHost(u.Hostname())
}

// checkURL accepts an absolute URL of one of the schemes, without user
// information and fragment. The messages don't quote it: it may hold a secret.
func (v *validator) checkURL(key string, u *url.URL, schemes ...string) {
	if u == nil {
		v.errorf(key, "is empty: write a URL such as %s://host:port", schemes[0])
		return
	}
	switch {
	case !slices.Contains(schemes, u.Scheme) || u.Opaque != "":
		v.errorf(key, "is not a URL that begins with %s://", strings.Join(schemes, ":// or "))
	case !httprule.ValidAddressHost(u.Hostname()) || !isPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		v.errorf(key, "has no valid host")
	case u.User != nil:
		v.errorf(key, "can't hold a user or password")
	case u.Fragment != "" || strings.Contains(u.String(), "#"):
		v.errorf(key, "can't have a fragment (#)")
	}
}

// checkBaseURL accepts a URL to which request paths are appended: without a query,
// and with a path that CheckConfigPath accepts. It removes a trailing slash.
func (v *validator) checkBaseURL(key string, u *url.URL) {
	if u == nil {
		return
	}
	if u.RawQuery != "" || u.ForceQuery {
		v.errorf(key, "can't have a query (?)")
		return
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if u.Path == "" {
		u.RawPath = ""
		return
	}
	if err := httprule.CheckConfigPath(u.EscapedPath()); err != nil {
		v.errorf(key, "has a path that %v", err)
	}
}
