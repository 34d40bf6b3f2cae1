package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// NewBackendClient makes a client for the login hook or for a push's upstream. It
// follows no redirects and uses no proxy of the environment.
func NewBackendClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// withoutURL strips the URL off an error of net/http: it may hold secrets.
func withoutURL(err error) error {
	var urlError *url.Error
	if errors.As(err, &urlError) {
		return urlError.Err
	}
	return err
}
