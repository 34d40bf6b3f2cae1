package upstream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestRoundRobinTakesTurns(t *testing.T) {
	t.Parallel()
	var c Config
	for _, name := range []string{"a", "b"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name+r.URL.Path) }))
		t.Cleanup(s.Close)
		u, _ := url.Parse(s.URL)
		c.Targets = append(c.Targets, Target{URL: u})
	}
	g, err := New(c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	got := ""
	for range 4 {
		req, _ := http.NewRequest("GET", "http://x/y", nil)
		res, err := g.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		got += string(b)
	}
	if got != "a/yb/ya/yb/y" {
		t.Errorf("got %q", got)
	}
}
