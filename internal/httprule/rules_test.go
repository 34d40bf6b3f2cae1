package httprule

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAbsoluteFormIsReadAsItsPath(t *testing.T) {
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
func TestEveryCleanPathIsAValidPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/": true, "/api/": true, "/a/b.c/~d": true, "/a,b=c@d:e": true,
		"": false, "api": false, "/a//b": false, "/a/../b": false, "/a/./b": false, "/a;b": false, "/a%20b": false, "/中": false, "/a?b": false,
	} {
		if got := CleanPath(path) == nil; got != want {
			t.Errorf("CleanPath(%q): %v", path, CleanPath(path))
		}
		if want && !ValidPath(path) {
			t.Errorf("%q is a clean path and not a valid one", path)
		}
	}
}

func TestPathWithinGoesBySegments(t *testing.T) {
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

// A host of the configuration must be one that a request's Host can match.
func TestEveryConfiguredHostCanBeRoutedTo(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"gw.test": true, "a_b.c-d.test": true, "10.0.0.1": true, "xn--gw-cja.test": true,
		"": false, "gw.test:80": false, "-a.test": false, "a-.test": false, "a..b": false, "中.test": false, strings.Repeat("a", 64) + ".test": false,
		strings.Repeat("a.", 127): false,
	} {
		if got := validHostname(host); got != want {
			t.Errorf("validHostname(%q) is %v", host, got)
		}
		if routed, ok := RoutingHost(host); want && (!ok || routed != host) {
			t.Errorf("RoutingHost(%q) is %q, %v", host, routed, ok)
		}
	}
	if !ValidRouteHost("*.gw.test") || ValidRouteHost("*.*.test") || ValidRouteHost("*") {
		t.Error("a route's host is a name, or *. and a name")
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]bool{"GET": true, "PROPFIND": true, "M-SEARCH": true, "get": false, "": false, "CONNECT": false, "TRACE": false, "GE T": false} {
		if ValidMethod(method) != want {
			t.Errorf("ValidMethod(%q) is %v", method, !want)
		}
	}
	for _, method := range Methods() {
		if !ValidMethod(method) || !UsualMethod(method) {
			t.Errorf("%s is not consistent", method)
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	sent := func(values ...string) string { return RequestID(http.Header{RequestIDName: values}) }
	if got := sent("abc_1.2-3"); got != "abc_1.2-3" {
		t.Errorf("a valid id became %q", got)
	}
	for _, bad := range [][]string{{""}, {"a b"}, {"a\n"}, {"a", "b"}, {strings.Repeat("a", 129)}, nil} {
		if got := sent(bad...); len(got) != 32 || !validRequestID(got) {
			t.Errorf("for %q the id is %q", bad, got)
		}
	}
	if one, other := RequestID(nil), RequestID(nil); one == other {
		t.Error("two ids are the same")
	}
}

func TestReservedRouteNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"push": true, "Login-Hook": true, "wxgate-probe": true, "pushes": false, "": false, "/api/": false} {
		if ReservedRouteName(name) != want {
			t.Errorf("ReservedRouteName(%q) is %v", name, !want)
		}
	}
}

func TestRolesAndUserIDs(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]bool{"admin": true, "管理员": true, "": false, strings.Repeat("r", 64): true, strings.Repeat("r", 65): false, "a\n": false, "a\u0085": false, "\xff": false} {
		if ValidRole(role) != want {
			t.Errorf("ValidRole(%q) is %v", role, !want)
		}
	}
	if !ValidUserID("") || !ValidUserID(strings.Repeat("1", 128)) || ValidUserID(strings.Repeat("1", 129)) {
		t.Error("a user id has at most 128 bytes")
	}
}
