package proxy_test

import (
	"strings"
	"testing"
	"time"

	"wxgate/proxy"
)

// get is an anonymous GET of a raw target.
func get(target string, lines ...string) string {
	return request(append([]string{"GET " + target + " HTTP/1.1", "Host: gw.test"}, lines...)...)
}

// malformedPaths are targets that must not match the public route that they begin with, or
// a less protected route than the path that some backend would serve.
var malformedPaths = map[string][]string{
	"PN-01": {"/public/../api/admin/secret", "/public/x/../../api/admin/secret", "/public/..", "/..", "/../api/admin/secret"},
	"PN-03": {"/public/..%2fapi/admin/secret", "/public/..%2Fapi/admin/secret", "/public%2f..%2fapi", "/public/x%2fy"},
	"PN-04": {`/public/..\api\admin\secret`, "/public/..%5capi%5cadmin%5csecret", "/public/..%5Capi/admin", `\api\admin`, "/public/%255c..%255capi"},
	"PN-06": {"//api/admin/secret", "/api//admin/secret", "///api/admin/secret", "/public//..//api/admin/secret", "/public//", "/public/x//"},
	"PN-07": {"/./api/admin/secret", "/api/./admin/secret", "/api/%2e/admin/secret", "/api/admin/x/../secret", "/api/admin/.", "/api/admin/..", "/api/admin/%2E%2e",
		"/public/.%2e/api/admin", "/public/%2e./api/admin", "/public/..;/api/admin", "/public/..;x=y/api/admin", "/public/%2e%2e;x/api/admin", "/public/.;/x", "/public/..%3b/api/admin", "/public/..;", "/public/.;a"},
	"PN-09": {"/api%2fadmin/secret", "/api%2Fadmin/secret"},
	"PN-10": {"/public/%252e%252e/api/admin/secret", "/public/..%252fapi", "/public/%25252e%25252e/api", "/public/%25%32%65%25%32%65/api", "/public/x%255cy", "/public/x%2500",
		"/public/%2525252525252e%2525252525252e/api", "/public/x%253b/../y", "/public/%252e./api/admin", "/public/%c0%ae%c0%ae/api", "/public/%25c0%25ae/x"},
	"PN-12": {"/api/admin/secret%00", "/api/admin/secret%00.css", "/public%00/../api", "/public/%00", "/public/%01", "/public/%7f"},
	"PN-13": {"/api/admin/secret#/public/", "/public/#/../../api/admin/secret", "/public/x#", "/public/x?a#b", "http://gw.test/api/admin/secret#/public/", "http://gw.test/public/x?a#b"},
	"PN-15": {"/api/admin%3f/../../public/x", "/public/%3f/../api/admin", "/api/admin%3f", "/api/admin%3fx", "/api%3f/admin"},
	"PN-21": {"/app/../admin", "/app/%2e%2e/admin", "/app/..", "/app/..;/admin"},
	"PN-22": {"/app/%2e%2e/admin", "/app/%2e/admin", "/a%70p/../admin"},
	"PN-24": {"/foo/../admin", "/foo%2e%2e%2fadmin"},
	"PN-25": {"/api/admin%0a", "/x%0a/api/admin", "/public/x%0d%0aX-OpenID:oEVIL", "/public/%09", "/public/%1b[31m"},
	"PN-28": {"api/admin/secret", "*", "?x", "public/x"},
	"PN-30": {"@evil.test/", ".evil.test/", ":8080/x", "//evil.test/x", "//evil.test", "http:evil", "http:/evil", "http://", "http://user@gw.test/public/x", "http://gw.test:80@evil.test/public/x", "file:///etc/passwd", "gopher://x/"},
	"PN-40": {"/public/..%2fadmin", "/public/%2e%2e", "/public/a%2fb"},
	"PN-42": {"/public/%ff", "/public/%e4%bd", "/public/%ed%a0%80", "/public/%c0%af", "/public/%u002e%u002e/api", "/public/%", "/public/%2", "/public/%zz", "/public/x%"},
	"OR-01": {"//evil.test/", "//evil.test/%2e%2e", `/\evil.test`, "/%5cevil.test", "/%2f%2fevil.test"},
	"OR-06": {"/public/x%0d%0aSet-Cookie:a=b", "/x%0d%0aSet-Cookie:%20a=b"},
}

func TestMalformedPathsReachNoRoute(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for id, targets := range malformedPaths {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.newGateway(t, nil)
			for _, target := range targets {
				got, c := s.roundTrip(get(target, "@A"))
				if got.Status != 400 || got.Code() != "bad_path" && got.Code() != "bad_request" || !c.closed() || len(got.Header["Location"]) != 0 {
					t.Errorf("%s: %d %s", target, got.Status, got.Code())
				}
				s.expectNotForwarded(target)
				if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, `\#`) {
					continue
				}
				got, _ = s.roundTrip(get("http://gw.test"+target, "@A"))
				if got.Status != 400 {
					t.Errorf("%s in absolute form: %d %s", target, got.Status, got.Code())
				}
				s.expectNotForwarded(target)
			}
			s.checkOtherClientsAndReset()
		})
	}
}

func TestRouteOfAPathIsTheRouteOfWhatIsServed(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	// The status for user A, who is no admin; 200: the target is forwarded unchanged.
	for id, cases := range map[string]map[string]int{
		"PN-10": {"/api/%2561dmin/secret": 200, "/public/100%25": 200, "/public/a%2520b": 200},
		"PN-16": {"/api/admin/secret?x=/public/": 403, "/api/admin/secret?/public/": 403, "/public/x?/api/admin": 200},
		"PN-18": {"/API/ADMIN/secret": 404, "/Api/%41dmin/secret": 404, "/api/%61dmin/secret": 403, "/%61pi/admin/secret": 403, "/Public/x": 404},
		"PN-19": {"/api/admin/secret/": 403, "/api/admin/secret%20": 403, "/api/admin/secret.json": 403, "/api/admin/secret;.css": 403, "/api/admin/secret~": 403,
			"/api/admin": 403, "/api/admin/": 403, "/api/admin;.css": 400, "/api/admin;": 400, "/api/admin%3b.css": 400, "/api/me;jsessionid=1": 200, "/api/admin%23": 400},
		"PN-39": {"/auth/loginX": 404, "/auth/login/": 404, "/auth": 404, "/auth/x/login": 404, "/authX": 404, "/healthz": 404, "/metrics": 404, "/readyz": 404},
		"PN-42": {"/%ef%bd%81pi/admin/secret": 404, "/api/admi%6E%CC%81": 200, "/public/%e4%bd%a0%e5%a5%bd": 200},
		"PN-43": {"/api/x?role=user;role=admin": 200, "/api/x?a=%zz&role=admin": 200, "/api/x?a=%00&b=//../": 200, "/api/x?": 200, "/api/x?%": 200},
		"RT-04": {"/api/admin/healthz": 403, "/healthz": 404},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.newGateway(t, nil)
			for target, status := range cases {
				got, _ := s.roundTrip(get(target, "@A"))
				if got.Status != status {
					t.Errorf("%s: %d %s, not %d", target, got.Status, got.Code(), status)
				}
				seen := s.backend.requests()
				s.backend.reset()
				if (got.Status == 200) != (len(seen) == 1) {
					t.Errorf("%s: %d, and the backend received %.200q", target, got.Status, seen)
				}
				if got.Status != 200 {
					continue
				}
				if req := s.expectForwarded(get(target, "@A"), map[bool]string{true: a.openA}[strings.HasPrefix(target, "/api")]); req.target() != target {
					t.Errorf("%s was forwarded as %s", target, req.target())
				}
			}
		})
	}
	t.Run("PN-43 with many parameters", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		target := "/api/x?" + strings.Repeat("a=1&", 6000) + "role=admin"
		if req := s.expectForwarded(get(target, "@A"), a.openA); req.target() != target {
			t.Error("the query was changed")
		}
	})
	t.Run("PN-46", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, target := range []string{"/" + strings.Repeat("a/../", 20000), "/" + strings.Repeat("a/../", 5000), "/public/" + "%" + strings.Repeat("25", 9000) + "2e", "/" + strings.Repeat("a/", 10000)} {
			start := time.Now()
			got, _ := s.roundTrip(get(target))
			if elapsed := time.Since(start); elapsed > time.Second || got.Status < 400 {
				t.Errorf("%.20s…: %d after %v", target, got.Status, elapsed)
			}
			s.expectNotForwarded(target[:20])
		}
	})
}

func TestStripPrefixRemovesWholeSegmentsOnly(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	stripping := func() func(*proxy.Config) {
		return withRoutes(
			&proxy.Route{Name: "app", Path: "/app/", Auth: proxy.AuthNone, StripPrefix: "/app"},
			&proxy.Route{Name: "app admin", Path: "/app/admin/", Auth: proxy.AuthRequired, Roles: []string{"admin"}, StripPrefix: "/app"},
			&proxy.Route{Name: "foo", Path: "/foo/", Auth: proxy.AuthNone, StripPrefix: "/foo/", AddPrefix: "/bar/"},
			&proxy.Route{Name: "users", Path: "/u/", Auth: proxy.AuthNone, StripPrefix: "/u", AddPrefix: "/users"})
	}
	for id, cases := range map[string]map[string]string{ // target: the target that the backend receives, or the status
		"PN-21": {"/app../admin": "404", "/app%2e%2e/admin": "404", "/app/x": "/x", "/app": "/", "/app/": "/", "/appx": "404"},
		"PN-22": {"/app%2e/admin/secret": "404", "/a%70p/admin/secret": "401", "/a%70p/x%20y": "/x%20y", "/app/%61dmin/secret": "401", "/%61%70%70/%e4%bd%a0": "/%e4%bd%a0"},
		"PN-24": {"/foo../admin": "404", "/foo$1": "404", "/foo/$1": "/bar/$1", "/foo": "/bar/", "/foo/x?a=/foo/": "/bar/x?a=/foo/"},
		"PN-40": {"/u/x%3frole=admin": "/users/x%3frole=admin", "/u/x%23": "/users/x%23", "/u/42": "/users/42", "/u/a%20b": "/users/a%20b"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.newGateway(t, stripping())
			for target, want := range cases {
				got, _ := s.roundTrip(get(target))
				seen := s.backend.requests()
				s.backend.reset()
				if len(seen) == 1 && seen[0].target() == want && got.Status == 200 || len(seen) == 0 && strings.HasPrefix(want, "4") && got.Status/100 == 4 {
					continue
				}
				t.Errorf("%s: %d, and the backend received %.100q, not %s", target, got.Status, seen, want)
			}
		})
	}
}

func TestMethodsAndOverridesDoNotBypassRoutes(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("PN-33", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) {
			c.Routes = append(defaultRoutes(), &proxy.Route{Name: "items", Path: "/items/", Auth: proxy.AuthNone, MethodOverride: true, Methods: []string{"POST", "PATCH"}})
		})
		overrides := []string{"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: oEVIL", "X-Method-Override: oEVIL", "x-http-method-override: DELETE", "X_HTTP_METHOD_OVERRIDE: DELETE"}
		req := s.expectForwarded(request(append([]string{"POST /public/x?_method=DELETE HTTP/1.1", "Host: gw.test", "Content-Length: 0"}, overrides...)...), "")
		if !strings.HasPrefix(string(req), "POST ") || len(req.headerValues("X-HTTP-Method-Override")) != 0 {
			t.Errorf("the backend received %q", req)
		}
		item := func(lines ...string) string {
			return request(append([]string{"POST /items/1 HTTP/1.1", "Host: gw.test", "Content-Length: 0"}, lines...)...)
		}
		s.backend.reset()
		s.expectError(item("X-HTTP-Method-Override: DELETE"), 405, "method_not_allowed")
		s.expectError(item("X-HTTP-Method-Override: CONNECT"), 400, "bad_request")
		if req := s.expectForwarded(item("X-HTTP-Method-Override: PATCH", "X-HTTP-Method-Override: DELETE"), ""); !strings.HasPrefix(string(req), "PATCH ") || len(req.headerValues("X-HTTP-Method-Override")) != 0 {
			t.Errorf("the backend received %q", req)
		}
	})
	t.Run("PN-34", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) {
			c.Routes = append(defaultRoutes(), &proxy.Route{Name: "gets", Path: "/gets/", Auth: proxy.AuthNone, Methods: []string{"GET"}})
		})
		for _, method := range []string{"get", "GETX", "PROPFIND", "TRACK", "M-SEARCH", "TRACE", "DEBUG", "Get"} {
			s.expectError(method+" /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", 405, "method_not_allowed")
			s.expectError(method+" /api/admin/secret HTTP/1.1\r\nHost: gw.test\r\n@A\r\n\r\n", 405, "method_not_allowed")
		}
		for _, method := range []string{"HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			s.expectError(method+" /api/admin/secret HTTP/1.1\r\nHost: gw.test\r\n@A\r\n\r\n", 403, "forbidden")
			s.expectError(method+" /api/admin/secret HTTP/1.1\r\nHost: gw.test\r\n\r\n", 401, "token_missing")
		}
		s.expectError("DELETE /gets/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", 405, "method_not_allowed")
		s.expectForwarded("HEAD /gets/own HTTP/1.1\r\nHost: gw.test\r\n\r\n", "")
	})
	t.Run("PN-36", func(t *testing.T) {
		t.Parallel()
		for _, origins := range [][]string{nil, {"https://h5.test"}} {
			s := a.newGateway(t, func(c *proxy.Config) {
				for _, rt := range c.Routes {
					rt.CORSOrigins = origins
				}
			})
			for _, lines := range [][]string{{}, {"Origin: https://h5.test"}, {"Access-Control-Request-Method: GET"}} {
				s.expectError(request(append([]string{"OPTIONS /api/admin/secret HTTP/1.1", "Host: gw.test"}, lines...)...), 401, "token_missing")
			}
			got, _ := s.roundTrip("OPTIONS /api/admin/secret HTTP/1.1\r\nHost: gw.test\r\nOrigin: https://h5.test\r\nAccess-Control-Request-Method: GET\r\nContent-Length: 5\r\n\r\nhello")
			if want := map[bool]int{true: 204, false: 401}[origins != nil]; got.Status != want {
				t.Errorf("a preflight with origins %v: %d", origins, got.Status)
			}
			s.expectNotForwarded("preflight")
		}
	})
}

func TestTargetAndHeadersDoNotBypassRoutes(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("PN-27", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, withRoutes(
			&proxy.Route{Name: "gw", Host: "gw.test", Path: "/", Auth: proxy.AuthNone},
			&proxy.Route{Name: "admin", Host: "admin.test", Path: "/", Auth: proxy.AuthRequired, PreserveHost: true}))
		s.expectError(get("http://admin.test/"), 401, "token_missing")
		req := s.expectTarget(get("http://admin.test/x", "@A"), "/x")
		if req.headerValues("X-Forwarded-Host")[0] != "admin.test" || req.headerValues("Host")[0] != "admin.test" {
			t.Errorf("the backend received %q", req)
		}
		s.backend.reset()
		s.expectError(get("http://admin.test:99999/"), 400, "bad_request")
		s.expectError(get("http://adm in.test/"), 400, "bad_request")
	})
	t.Run("PN-31", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		req := s.expectForwarded(get("/public/x", "X-Original-URL: oEVIL", "X-Rewrite-URL: oEVIL", "X-Original-URI: oEVIL", "X-Forwarded-Path: oEVIL", "X-Forwarded-Prefix: oEVIL",
			"X-Forwarded-Uri: oEVIL", "X-Original-Anything: oEVIL", "X-Rewrite-Anything: oEVIL", "X_Original_URL: oEVIL", "X-Original-Method: oEVIL", "X-Forwarded-Method: oEVIL"), "")
		if req.target() != "/public/x" {
			t.Errorf("the backend received %s", req.target())
		}
	})
	t.Run("PN-37", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, agent := range []string{"kube-probe/1.29", "GoogleHC/1.0", "ELB-HealthChecker/2.0"} {
			s.expectError(get("/api/admin/secret", "User-Agent: "+agent), 401, "token_missing")
		}
	})
}

// expectTarget is expectForwarded for other hosts: it compares the target only.
func (s *attackGateway) expectTarget(raw, target string) backendRequest {
	s.t.Helper()
	got, _ := s.roundTrip(raw)
	seen := s.backend.requests()
	if got.Status != 200 || len(seen) != 1 || seen[0].target() != target {
		s.t.Fatalf("%.100q: %d, and the backend received %.200q", raw, got.Status, seen)
	}
	return seen[0]
}
