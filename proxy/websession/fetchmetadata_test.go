package websession_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"wxgate/proxy/websession"
)

func TestPrefetchAndNavigationAreRecognized(t *testing.T) {
	for _, h := range []http.Header{headers("Sec-Purpose", "prefetch;prerender"), headers("Purpose", "prefetch"), headers("X-Moz", "prefetch")} {
		if !websession.IsPrefetch(h) {
			t.Errorf("%v is not recognized as a prefetch", h)
		}
	}
	if websession.IsPrefetch(headers("Sec-Fetch-Site", "none")) {
		t.Error("a navigation is taken for a prefetch")
	}
	for _, c := range []struct {
		method string
		header []string
		want   bool
	}{
		{"GET", []string{"Sec-Fetch-Mode", "navigate"}, true},
		{"GET", []string{"Sec-Fetch-Mode", "cors", "Accept", "text/html"}, false},
		{"GET", []string{"Accept", "text/html,application/xhtml+xml"}, true},
		{"GET", []string{"Accept", "text/event-stream"}, false},
		{"GET", nil, false},
		{"POST", []string{"Sec-Fetch-Mode", "navigate"}, false},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.Header = headers(c.header...)
		if got := websession.IsNavigation(r); got != c.want {
			t.Errorf("%s %v: %v", c.method, c.header, got)
		}
	}
}
