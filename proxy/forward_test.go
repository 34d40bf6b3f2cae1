package proxy_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// serve runs a handler on a socket of its own.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
