package wechattest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"wxgate/wechat/wechattest"
)

func withControl(o *wechattest.Options) { o.Control = true }

func parse(status int, body []byte) result {
	s := result{status: status, body: string(body)}
	_ = json.Unmarshal(body, &s.fields)
	return s
}

// do makes a control call that must succeed.
func (sim *testSimulator) do(path, body string) result {
	sim.t.Helper()
	s := sim.send("POST", path, nil, body)
	if s.status != 200 {
		sim.t.Errorf("%s %s: %d %s", path, body, s.status, s.body)
	}
	return s
}

func TestControlCallsSimulateThePhone(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t, withControl)
	u := sim.user("wx1", "alice")
	got := sim.do("/sim/code", `{"user":"alice"}`)
	if got.text("openid") != u.OpenID || got.text("appid") != "wx1" || got.text("unionid") != u.UnionID {
		t.Errorf("got %s", got.body)
	}
	sim.expect("login", sim.login("wx1", "s1", got.text("code")), 0)
	got = sim.do("/sim/phone-code", `{"user":"alice","appid":"wx2"}`)
	if got.text("appid") != "wx2" || got.text("phone") != u.Phone() || got.text("code") == "" {
		t.Errorf("got %s", got.body)
	}
	for _, body := range []string{
		`{"user":"alice","kind":"phone"}`, `{"user":"alice","kind":"profile","age":"10m"}`, `{"user":"alice","kind":"data","data":{"a":1}}`,
	} {
		if got = sim.do("/sim/encrypt", body); got.text("encrypted_data") == "" || got.text("iv") == "" {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	got = sim.do("/sim/sign", `{"user":"alice","raw_data":"x"}`)
	if got.text("signature") != u.SignRawData("x") || got.text("raw_data") != "x" {
		t.Errorf("got %s", got.body)
	}
	raw, _ := u.RawData()
	if got = sim.do("/sim/sign", `{"user":"alice"}`); got.text("raw_data") != raw {
		t.Errorf("got %s", got.body)
	}
}

// WeChat sends the code or the token, and caches only a 200 of at most 256 KB.
func TestControlCallOfPrefetch(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t, withControl)
	var got url.Values
	var status, size int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.Query()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Repeat("x", size))
	}))
	t.Cleanup(server.Close)
	call := func(extra string) result {
		return sim.do("/sim/prefetch", `{"user":"alice","url":"`+server.URL+`/x?a=1"`+extra+`}`)
	}
	status, size = 200, 3
	if s := call(`,"path":"p/q","query":"b=2","scene":1011`); s.text("data") != "xxx" || s.text("code") == "" || s.text("code") != got.Get("code") ||
		got.Get("appid") != "wx1" || got.Get("path") != "p/q" || got.Get("query") != "b=2" || got.Get("scene") != "1011" || got.Get("timestamp") == "" || got.Get("a") != "1" || got.Has("token") {
		t.Errorf("%s: %v", s.body, got)
	}
	sim.expect("its code", sim.login("wx1", "s1", got.Get("code")), 0)
	if s := call(`,"token":"mine"`); s.text("code") != "" || got.Get("token") != "mine" || got.Has("code") {
		t.Errorf("%s: %v", s.body, got)
	}
	if s := call(`,"code":"given"`); got.Get("code") != "given" || s.text("code") != "given" {
		t.Errorf("%s: %v", s.body, got)
	}
	if status = 401; call("").text("data") != "" {
		t.Error("an error response is cached")
	}
	if status, size = 200, 256<<10+1; call("").text("data") != "" {
		t.Error("a response of more than 256 KB is cached")
	}
	if s := sim.send("POST", "/sim/prefetch", nil, `{"user":"alice","url":"ftp://x"}`); s.status != 400 {
		t.Errorf("%d %s", s.status, s.body)
	}
}

func TestControlCallsInjectFaults(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t, withControl)
	u := sim.user("wx1", "alice")
	u.Code()
	key, token := u.SessionKey(), sim.token()
	sim.do("/sim/rotate", `{"user":"alice"}`)
	if u.SessionKey() == key {
		t.Error("the key is unchanged")
	}
	sim.do("/sim/block", `{"user":"alice","blocked":true}`)
	sim.expect("blocked", sim.login("wx1", "s1", u.Code()), 40226)
	sim.do("/sim/block", `{"user":"alice","blocked":false}`)
	sim.expect("no longer", sim.login("wx1", "s1", u.Code()), 0)
	sim.do("/sim/kill-token", `{}`)
	sim.expectToken("invalidated", token, 40001)
	sim.do("/sim/fault", `{"api":"/sns/jscode2session","errcode":45009,"delay":"1ms"}`)
	sim.expect("fault", sim.login("wx1", "s1", u.Code()), 45009)
	if s := sim.send("DELETE", "/sim/fault", nil, ""); s.status != 200 {
		t.Errorf("got %d", s.status)
	}
	sim.expect("fault removed", sim.login("wx1", "s1", u.Code()), 0)
	users, calls := sim.get("/sim/users", nil), sim.get("/sim/calls", nil)
	if !strings.Contains(users.body, u.OpenID) || !strings.Contains(users.body, `"user":"alice"`) || !strings.Contains(calls.body, "/sns/jscode2session") {
		t.Errorf("%s\n%s", users.body, calls.body)
	}
}

func TestInvalidControlCallsAreRefused(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t, withControl)
	for _, c := range [][2]string{
		{"/sim/code", ``}, {"/sim/code", `{`}, {"/sim/code", `{}`}, {"/sim/code", `{"user":1}`}, {"/sim/code", `{"usr":"alice"}`},
		{"/sim/code", `{"user":"alice","appid":"wx9"}`}, {"/sim/phone-code", `{}`}, {"/sim/encrypt", `{"kind":"phone"}`},
		{"/sim/encrypt", `{"user":"alice","kind":"x"}`}, {"/sim/encrypt", `{"user":"alice","kind":"phone","age":"old"}`},
		{"/sim/sign", `{}`}, {"/sim/rotate", `{}`}, {"/sim/block", `{}`}, {"/sim/kill-token", `{"appid":"wx9"}`}, {"/sim/fault", `{"status":99}`},
	} {
		if s := sim.send("POST", c[0], nil, c[1]); s.status != 400 || s.text("error") == "" {
			t.Errorf("%s %s: %d %s", c[0], c[1], s.status, s.body)
		}
	}
}

func TestControlCallsAreOffByDefault(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	sim.expect("control", sim.send("POST", "/sim/code", nil, `{"user":"alice"}`), 40066)
}
