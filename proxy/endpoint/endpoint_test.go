package endpoint

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

func TestChooseApp(t *testing.T) {
	t.Parallel()
	const referer = "https://servicewechat.com/%s/12/page-frame.html"
	from := func(app string) string { return strings.Replace(referer, "%s", app, 1) }
	one, two := &Config{Apps: []string{"wxa"}}, &Config{Apps: []string{"wxa", "wxb"}}
	for name, test := range map[string]struct {
		config         *Config
		named, referer string
		want           string // "": refused
	}{
		"the only one":                {one, "", "", "wxa"},
		"the only one, another hint":  {one, "", from("wxz"), "wxa"},
		"named":                       {two, "wxb", "", "wxb"},
		"named and hinted":            {two, "wxb", from("wxb"), "wxb"},
		"hinted":                      {two, "", from("wxb"), "wxb"},
		"not served":                  {two, "wxz", "", ""},
		"contradiction":               {two, "wxa", from("wxb"), ""},
		"none":                        {two, "", "", ""},
		"hint of another host":        {two, "", "https://servicewechat.com.evil.test/wxb/1/", ""},
		"hint over plain HTTP":        {two, "", "http://servicewechat.com/wxb/1/", ""},
		"hint that is no URL":         {two, "", "https://servicewechat.com/%zz", ""},
		"hint in a user's name":       {two, "", "https://servicewechat.com@evil.test/wxb/", ""},
		"named by what has no letter": {two, " wxb", "", ""},
	} {
		got, err := test.config.selectApp(test.named, test.referer)
		if got != test.want && err == nil || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		strings.Repeat("k", 16): true, strings.Repeat("k", 128): true, strings.Repeat("k", 15): false, strings.Repeat("k", 129): false,
		"": false, strings.Repeat("k", 16) + " ": false, strings.Repeat("é", 16): false,
	} {
		if _, err := idempotencyKey([]string{key}); (err == nil) != want {
			t.Errorf("%q: %v", key, err)
		}
	}
	if key, err := idempotencyKey(nil); key != "" || err != nil {
		t.Errorf("none: %q, %v", key, err)
	}
	if _, err := idempotencyKey([]string{strings.Repeat("a", 16), strings.Repeat("b", 16)}); err == nil {
		t.Error("two keys are one too many")
	}
}

// What the configuration may ask for (httprule) is what a hook may give.
func TestTheHooksAnswerAndTheConfigurationAgreeOnRoles(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"admin", "管理员", "a,b", strings.Repeat("r", httprule.MaxRoleBytes), strings.Repeat("r", httprule.MaxRoleBytes+1), "", "a\n", "\xff", "a\u0085"} {
		if got := (hookResponse{Roles: []string{role}}).check() == nil; got != httprule.ValidRole(role) {
			t.Errorf("role %q: the hook may give it: %v", role, got)
		}
	}
	for n, want := range map[int]bool{0: true, httprule.MaxRoles: true, httprule.MaxRoles + 1: false} {
		roles := make([]string, n)
		for i := range roles {
			roles[i] = "r"
		}
		if got := (hookResponse{Roles: roles}).check() == nil; got != want {
			t.Errorf("%d roles: %v", n, got)
		}
	}
}

func TestUserIDsMayBeNumbers(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{`"u1"`: "u1", `42`: "42", `12345678901234567890`: "12345678901234567890", `1.5`: "1.5", `{}`: "", `[1]`: "", `true`: ""} {
		var id userID
		if err := json.Unmarshal([]byte(raw), &id); string(id) != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v", raw, id, err)
		}
	}
}

func TestABodysProblemRepeatsNothingOfIt(t *testing.T) {
	t.Parallel()
	var req struct {
		Code string `json:"code"`
	}
	for _, body := range []string{`{"code": 4711}`, `{"code": "se`, `secret`, `["secret"]`} {
		var e *apierror.Error
		if err := decodeJSON([]byte(body), &req); !errors.As(err, &e) || e.Code != apierror.BadRequest || strings.Contains(e.Message, "4711") || strings.Contains(e.Message, "secret") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestEveryEndpointIsFoundByItsPath(t *testing.T) {
	t.Parallel()
	h := New(Options{}, Config{Prefix: "/login-service"})
	for path, want := range map[string]bool{
		"/login-service": true, "/login-service/": true, "/login-service/login": true, "/login-service/nothing": true, "/login-services": false, "/login": false,
		httprule.JWKSPath: true, httprule.JWKSPath + "/x": false,
	} {
		if h.Owns(path) != want {
			t.Errorf("the gateway owns %s: %v", path, !want)
		}
	}
	if !(endpoint{method: http.MethodGet}).takes(http.MethodHead) || (endpoint{method: http.MethodPost}).takes(http.MethodHead) {
		t.Error("HEAD is taken where GET is, and nowhere else")
	}
}
