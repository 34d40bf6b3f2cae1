package config

import (
	"net/url"

	"wxgate/secret"
)

// MaskedURL is a URL whose path may be a credential, as for many web hooks and
// collectors. It is printed without path and query.
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
