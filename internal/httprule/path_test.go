package httprule

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheAbsoluteFormIsCheckedByItsPath(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]bool{
		"http://gw.test/api/x": true, "http://gw.test/api/../x": false, "http://gw.test/a#b": false, "ftp://gw.test/x": false, "http:///x": false,
		"http://gw.test": true, "http://gw.test?x=1": true, "http://gw.test?a#b": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		u, err := r.URL.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL, r.RequestURI = u, target
		if got := ValidRequestTarget(r); got != want {
			t.Errorf("ValidRequestTarget(%q) is %v", target, got)
		}
	}
}

// A path of the configuration must be one that requests can have.
func TestEveryConfigPathIsAValidPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/": true, "/api/": true, "/a/b.c/~d": true, "/a,b=c@d:e": true,
		"": false, "api": false, "/a//b": false, "/a/../b": false, "/a/./b": false, "/a;b": false, "/a%20b": false, "/中": false, "/a?b": false,
	} {
		if got := CheckConfigPath(path) == nil; got != want {
			t.Errorf("CheckConfigPath(%q): %v", path, CheckConfigPath(path))
		}
		if want && !ValidPath(path) {
			t.Errorf("CheckConfigPath accepts %q, ValidPath doesn't", path)
		}
	}
}

func TestPathWithinComparesWholeSegments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path, prefix string
		want         bool
	}{
		{"/auth", "/auth", true}, {"/auth/", "/auth", true}, {"/auth/x", "/auth/", true}, {"/auth", "/auth/", true},
		{"/authx", "/auth", false}, {"/aut", "/auth", false}, {"/x", "/", true}, {"/", "/auth", false},
	} {
		if got := PathWithin(test.path, test.prefix); got != test.want {
			t.Errorf("PathWithin(%q, %q) is %v", test.path, test.prefix, got)
		}
	}
}
