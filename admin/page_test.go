package admin_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

func TestTheConsolePageNeedsNoTokenAndLoadsNothingFromOtherOrigins(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	seen, todo := map[string]bool{}, []string{"/console/"}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		a := env.call("GET", path, "", "")
		text := string(a.Body)
		want := map[string]string{"mjs": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}[path[strings.LastIndex(path, ".")+1:]]
		if want == "" {
			want = "text/html; charset=utf-8"
		}
		if a.Status != http.StatusOK || a.Header.Get("Content-Type") != want || text == "" {
			t.Errorf("%s: %d %s", path, a.Status, a.Header.Get("Content-Type"))
		}
		env.checkPageHeader(path, a.Header)
		for _, found := range regexp.MustCompile(`(?:from '\./|href="|src=")([^"']+)["']`).FindAllStringSubmatch(text, -1) {
			todo = append(todo, "/console/"+found[1])
		}
		if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|localStorage|sessionStorage|document\.cookie|<style|\son[a-z]+="|https?://[^\s'"` + "`" + `]+`).FindString(text); found != "" && found != "http://www.w3.org/2000/svg" {
			t.Errorf("%s has %s", path, found)
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d files are linked: %v", len(seen), seen)
	}
}

func (env *testEnv) checkPageHeader(path string, h http.Header) {
	env.t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if h.Get(name) != want {
			env.t.Errorf("%s: %s is %q", path, name, h.Get(name))
		}
	}
	policy := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy+";", want+";") {
			env.t.Errorf("%s: no %s in %q", path, want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		env.t.Errorf("%s: %q", path, policy)
	}
}

func TestPathsOfTheConsole(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, c := range []struct{ method, path, want string }{
		{"HEAD", "/console/", "200"}, {"GET", "/console/index.html", "404 not_found"}, {"GET", "/console/nothing.mjs", "404 not_found"},
		{"GET", "/console/static/app.mjs", "404 not_found"}, {"GET", "/console/../api/status", "400 bad_path"}, {"GET", "/console/%2e%2e/api/status", "400 bad_path"},
		{"POST", "/console/", "405 method_not_allowed"}, {"PUT", "/console/app.mjs", "405 method_not_allowed"},
	} {
		if a := env.call(c.method, c.path, "", ""); outcome(a) != c.want {
			t.Errorf("%s %s: want %s, got %v", c.method, c.path, c.want, a)
		}
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(env.base + "/console")
	testkit.Must(t, err)
	res.Body.Close()
	if res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != "/console/" {
		t.Errorf("/console: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}
