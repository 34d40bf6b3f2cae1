package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"wxgate/internal/httprule"
	"wxgate/secret"
)

// URL is an absolute URL of the file. The zero URL, written "", is none.
type URL struct{ *url.URL }

// UnmarshalText's errors never quote the text: it may hold a password.
func (u *URL) UnmarshalText(text []byte) error {
	u.URL = nil
	if len(text) == 0 {
		return nil
	}
	if host := hostAlone(string(text)); host != "" {
		return fmt.Errorf("has no scheme: write http://%s or https://%s", host, host)
	}
	parsed, err := url.Parse(string(text))
	if err != nil {
		return errors.New("is not a URL")
	}
	u.URL = parsed
	return nil
}

// hostAlone gives the host, and the port if there is one, of a URL without a
// scheme: 10.0.0.5:8080/base. A port alone is one of this machine.
func hostAlone(text string) string {
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

// MarshalText leaves a query out: it may hold a secret.
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

// MaskedURL is a URL whose path may be a credential, as that of many web hooks
// and collectors is. It is shown without it.
type MaskedURL struct{ *url.URL }

func (u *MaskedURL) UnmarshalText(text []byte) error { return (*URL)(u).UnmarshalText(text) }

func (u MaskedURL) MarshalText() ([]byte, error) {
	if u.URL == nil {
		return nil, nil
	}
	shown := u.Scheme + "://" + u.Host
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		shown += "/" + secret.Redacted
	}
	return []byte(shown), nil
}
