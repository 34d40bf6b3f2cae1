package upstream

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestTheBasePathIsPrefixed(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	host := serve(t, func(w http.ResponseWriter, r *http.Request) { got <- r.RequestURI })
	for _, c := range []struct{ base, path, want string }{
		{"", "/a", "/a"},
		{"/", "/a", "/a"},
		{"/v1", "/a?b=c%2F", "/v1/a?b=c%2F"},
		{"/v1/", "/a/", "/v1/a/"},
		{"/v1", "/", "/v1/"},
		{"/v1", "/a%20b", "/v1/a%20b"},
		{"/v1", "/a%2Fb", "/v1/a%2Fb"},
		{"/v%2F1", "/a", "/v%2F1/a"},
		{"/v%2F1", "/a%2Fb", "/v%2F1/a%2Fb"},
		{"/中", "/文", "/%E4%B8%AD/%E6%96%87"},
	} {
		g, _ := groupWithClock(t, Config{Targets: targets(t, host+c.base)})
		if r := get(t, g, c.path); r.err != nil {
			t.Fatal(r.err)
		}
		if uri := <-got; uri != c.want {
			t.Errorf("%s under %q was requested as %s", c.path, c.base, uri)
		}
	}
}

func TestHostIsTheTargetsUnlessPreserved(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	u := serve(t, func(w http.ResponseWriter, r *http.Request) { got <- r.Host })
	for preserve, want := range map[bool]string{false: strings.TrimPrefix(u, "http://"), true: "gateway.example"} {
		g, _ := groupWithClock(t, Config{Targets: targets(t, u), PreserveHost: preserve})
		get(t, g, "/")
		if host := <-got; host != want {
			t.Errorf("preserve %v: host is %s", preserve, host)
		}
	}
}

func FuzzJoinPathKeepsPathAndEscapesConsistent(f *testing.F) {
	f.Add("/base", "/path")
	f.Add("/b%2Fase/", "/p%2Fath")
	f.Add("", "/%E4%B8%AD")
	f.Add("/a%20b", "/c d")
	f.Fuzz(func(t *testing.T, base, path string) {
		b, err := url.Parse("http://host" + base)
		if err != nil || b.Host != "host" || base != "" && base[0] != '/' || b.RawQuery != "" || b.Fragment != "" {
			return
		}
		p, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(path, "/") || p.Host != "" {
			return
		}
		target, err := newTarget(Target{URL: b})
		if err != nil {
			return
		}
		var u url.URL
		target.joinPath(&u, p.Path, p.RawPath)
		if want := strings.TrimSuffix(b.Path, "/") + p.Path; u.Path != want {
			t.Errorf("path is %q, not %q", u.Path, want)
		}
		if want := strings.TrimSuffix(b.EscapedPath(), "/") + p.EscapedPath(); u.EscapedPath() != want {
			t.Errorf("escaped path is %q, not %q", u.EscapedPath(), want)
		}
	})
}
