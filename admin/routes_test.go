package admin_test

import (
	"fmt"
	"testing"
)

func TestUnknownCallsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for call, want := range map[string]string{
		"GET /":                         "404 not_found",
		"GET /auth/session":             "404 not_found",
		"GET /api":                      "404 not_found",
		"GET /wx/" + app:                "404 not_found",
		"POST /healthz":                 "405 method_not_allowed",
		"POST /api/users/" + app + "/x": "405 method_not_allowed",
		"GET /api/../api/users/a/b":     "400 bad_path",
		"GET /api//users/a/b":           "400 bad_path",
		"GET /wx/" + app + "/wxa%2fx":   "400 bad_path",
		"GET /wx/" + app + "/..;/x":     "400 bad_path",
	} {
		var method, path string
		fmt.Sscan(call, &method, &path)
		a := env.call(method, path, bothToken, "")
		if outcome(a) != want || a.Header.Get("X-Request-ID") == "" {
			t.Errorf("%s: want %s, got %v", call, want, a)
		}
	}
	if a := env.call("PATCH", "/api/users/"+app+"/x/ban", adminToken, ""); a.Header.Get("Allow") != "PUT, DELETE" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	if a := env.call("GET", "/", "", "", "X-Request-ID", "told-by-the-caller"); a.Header.Get("X-Request-ID") != "told-by-the-caller" {
		t.Errorf("the request id is %q", a.Header.Get("X-Request-ID"))
	}
}
