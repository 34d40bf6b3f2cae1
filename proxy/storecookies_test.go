package proxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"wxgate/proxy"
)

func TestCookieJarStoresCookiesInTheGateway(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		routes: []*proxy.Route{
			{Name: "jar", Path: "/", Auth: proxy.AuthRequired, Cookies: proxy.CookiesJar, CookieJarID: "b", BackendURLs: []*url.URL{{Scheme: "http", Host: "127.0.0.1"}}},
			{Name: "drop", Path: "/drop/", Auth: proxy.AuthRequired, Cookies: proxy.CookiesDrop},
		},
		backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, line := range r.URL.Query()["set"] {
				w.Header().Add("Set-Cookie", line)
			}
			fmt.Fprint(w, r.Header.Get("Cookie"))
		}),
	})
	alice, bob := env.login("alice"), env.login("bob")
	get := func(token, path string) string {
		res := env.call("GET", path, token, "", "Cookie", "evil=1")
		if res.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: a cookie reached the client", path)
		}
		return string(res.Body)
	}
	get(alice, "/a/b?set=s%3D1%3B+Path%3D%2F&set=local%3D2&set=expired%3D3%3B+Max-Age%3D0&set=other%3D4%3B+Domain%3Devil.example")
	for path, want := range map[string]string{"/a/c": "local=2; s=1", "/z": "s=1", "/drop/x": ""} {
		if got := get(alice, path); got != want {
			t.Errorf("%s was sent %q, not %q", path, got, want)
		}
	}
	if got := get(bob, "/a/c"); got != "" {
		t.Errorf("bob was sent %q", got)
	}
	get(alice, "/a/b?set=s%3D%3B+Path%3D%2F%3B+Expires%3DThu%2C+01+Jan+1970+00%3A00%3A00+GMT")
	if got := get(alice, "/z"); got != "" {
		t.Errorf("an expired cookie was sent: %q", got)
	}
}

func TestCookiesOfConcurrentResponsesAreAllStored(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		routes: []*proxy.Route{{Name: "jar", Path: "/", Auth: proxy.AuthRequired, Cookies: proxy.CookiesJar, CookieJarID: "b"}},
		backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name := r.URL.Query().Get("set"); name != "" {
				w.Header().Set("Set-Cookie", name+"=1; Path=/")
			}
			fmt.Fprint(w, r.Header.Get("Cookie"))
		}),
	})
	token := env.login("alice")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() { env.call("GET", fmt.Sprintf("/x?set=c%d", i), token, "") })
	}
	all.Wait()
	if got := string(env.call("GET", "/x", token, "").Body); strings.Count(got, "=1") != 8 {
		t.Errorf("stored: %q", got)
	}
}

func TestCookieJarReturnsEveryCookieUnchanged(t *testing.T) {
	t.Parallel()
	lines := []string{
		"cart[7]=1; Path=/", `quoted="a b"; Path=/`, `json={"a":1,"b":2}; Path=/`, `back=a\"b; Path=/`, "name=中文; Path=/", "latin=\xe9; Path=/",
		"long=1; Path=/; Max-Age=99999999999999999999", "odd=1; Path=/; Expires=Wednesday, 21-Oct-2099 07:28:00 GMT", "label=1; Path=/; Domain=backend",
	}
	env := newTestEnv(t, envConfig{
		routes: []*proxy.Route{{
			Name: "jar", Path: "/", Auth: proxy.AuthRequired, Cookies: proxy.CookiesJar, CookieJarID: "b", BackendURLs: []*url.URL{{Scheme: "http", Host: "backend:8080"}},
		}},
		backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/set" {
				w.Header()["Set-Cookie"] = append(lines, "foreign=1; Domain=evil.test", "nonsense")
				return
			}
			w.Write([]byte(strings.Join(r.Header["Cookie"], "\n")))
		}),
	})
	token := env.login("alice")
	env.call("GET", "/set", token, "")
	env.call("GET", "/set", token, "")
	var want []string
	for _, line := range lines {
		pair, _, _ := strings.Cut(line, ";")
		want = append(want, pair)
	}
	if got := string(env.call("GET", "/get", token, "").Body); got != strings.Join(want, "; ") {
		t.Errorf("the backend received\n%q, not\n%q", got, strings.Join(want, "; "))
	}
	if n := strings.Count(env.logs.String(), "rejects a cookie"); n != 2 {
		t.Errorf("%d cookies were reported", n)
	}
}
