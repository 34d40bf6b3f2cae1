package config

import (
	"errors"
	"net/url"
)

// URL is an absolute URL of the file. The zero URL, written "", is none.
type URL struct{ *url.URL }

// UnmarshalText's errors never quote the text: it may hold a password.
func (u *URL) UnmarshalText(text []byte) error {
	u.URL = nil
	if len(text) == 0 {
		return nil
	}
	parsed, err := url.Parse(string(text))
	if err != nil {
		return errors.New("is not a URL")
	}
	u.URL = parsed
	return nil
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
