package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// NewBackendClient returns a client for the login hook or for a push's upstream. It does
// not follow redirects, and does not use the proxies of the environment variables.
func NewBackendClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// stripURL removes the URL from an error of net/http: it may contain secrets.
func stripURL(err error) error {
	var urlError *url.Error
	if errors.As(err, &urlError) {
		return urlError.Err
	}
	return err
}
