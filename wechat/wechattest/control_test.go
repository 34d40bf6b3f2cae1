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

func parse(status int, body []byte) said {
	s := said{status: status, body: string(body)}
	_ = json.Unmarshal(body, &s.fields)
	return s
}

// do makes a control call that must succeed.
func (w *world) do(path, body string) said {
	w.t.Helper()
	s := w.send("POST", path, nil, body)
	if s.status != 200 {
		w.t.Errorf("%s %s: %d %s", path, body, s.status, s.body)
	}
	return s
}

func TestControlCallsSimulateThePhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withControl)
	u := w.user("wx1", "alice")
	got := w.do("/sim/code", `{"user":"alice"}`)
	if got.text("openid") != u.OpenID || got.text("appid") != "wx1" || got.text("unionid") != u.UnionID {
		t.Errorf("got %s", got.body)
	}
	w.expect("login", w.login("wx1", "s1", got.text("code")), 0)
	got = w.do("/sim/phone-code", `{"user":"alice","appid":"wx2"}`)
	if got.text("appid") != "wx2" || got.text("phone") != u.Phone() || got.text("code") == "" {
		t.Errorf("got %s", got.body)
	}
	for _, body := range []string{
		`{"user":"alice","kind":"phone"}`, `{"user":"alice","kind":"profile","age":"10m"}`, `{"user":"alice","kind":"data","data":{"a":1}}`,
	} {
		if got = w.do("/sim/encrypt", body); got.text("encrypted_data") == "" || got.text("iv") == "" {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	got = w.do("/sim/sign", `{"user":"alice","raw_data":"x"}`)
	if got.text("signature") != u.SignRawData("x") || got.text("raw_data") != "x" {
		t.Errorf("got %s", got.body)
	}
	raw, _ := u.RawData()
	if got = w.do("/sim/sign", `{"user":"alice"}`); got.text("raw_data") != raw {
		t.Errorf("got %s", got.body)
	}
}

// The pre-fetch comes as WeChat documents it: code or token, and what is no
// kept answer gives no data.
func TestControlCallsPrefetch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withControl)
	var got url.Values
	var status, size int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.Query()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Repeat("x", size))
	}))
	t.Cleanup(server.Close)
	call := func(extra string) said {
		return w.do("/sim/prefetch", `{"user":"alice","url":"`+server.URL+`/x?a=1"`+extra+`}`)
	}
	status, size = 200, 3
	if s := call(`,"path":"p/q","query":"b=2","scene":1011`); s.text("data") != "xxx" || s.text("code") == "" || s.text("code") != got.Get("code") ||
		got.Get("appid") != "wx1" || got.Get("path") != "p/q" || got.Get("query") != "b=2" || got.Get("scene") != "1011" || got.Get("timestamp") == "" || got.Get("a") != "1" || got.Has("token") {
		t.Errorf("%s: %v", s.body, got)
	}
	w.expect("its code", w.login("wx1", "s1", got.Get("code")), 0)
	if s := call(`,"token":"mine"`); s.text("code") != "" || got.Get("token") != "mine" || got.Has("code") {
		t.Errorf("%s: %v", s.body, got)
	}
	if s := call(`,"code":"given"`); got.Get("code") != "given" || s.text("code") != "given" {
		t.Errorf("%s: %v", s.body, got)
	}
	if status = 401; call("").text("data") != "" {
		t.Error("an error is kept")
	}
	if status, size = 200, 256<<10+1; call("").text("data") != "" {
		t.Error("more than 256 KB are kept")
	}
	if s := w.send("POST", "/sim/prefetch", nil, `{"user":"alice","url":"ftp://x"}`); s.status != 400 {
		t.Errorf("%d %s", s.status, s.body)
	}
}

func TestControlCallsInjectFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withControl)
	u := w.user("wx1", "alice")
	u.Code()
	key, token := u.SessionKey(), w.token()
	w.do("/sim/rotate", `{"user":"alice"}`)
	if u.SessionKey() == key {
		t.Error("the key stayed")
	}
	w.do("/sim/block", `{"user":"alice","blocked":true}`)
	w.expect("blocked", w.login("wx1", "s1", u.Code()), 40226)
	w.do("/sim/block", `{"user":"alice","blocked":false}`)
	w.expect("no longer", w.login("wx1", "s1", u.Code()), 0)
	w.do("/sim/kill-token", `{}`)
	w.lives("killed", token, 40001)
	w.do("/sim/fault", `{"api":"/sns/jscode2session","errcode":45009,"delay":"1ms"}`)
	w.expect("fault", w.login("wx1", "s1", u.Code()), 45009)
	if s := w.send("DELETE", "/sim/fault", nil, ""); s.status != 200 {
		t.Errorf("got %d", s.status)
	}
	w.expect("fault over", w.login("wx1", "s1", u.Code()), 0)
	users, calls := w.get("/sim/users", nil), w.get("/sim/calls", nil)
	if !strings.Contains(users.body, u.OpenID) || !strings.Contains(users.body, `"user":"alice"`) || !strings.Contains(calls.body, "/sns/jscode2session") {
		t.Errorf("%s\n%s", users.body, calls.body)
	}
}

func TestControlRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withControl)
	for _, c := range [][2]string{
		{"/sim/code", ``}, {"/sim/code", `{`}, {"/sim/code", `{}`}, {"/sim/code", `{"user":1}`}, {"/sim/code", `{"usr":"alice"}`},
		{"/sim/code", `{"user":"alice","appid":"wx9"}`}, {"/sim/phone-code", `{}`}, {"/sim/encrypt", `{"kind":"phone"}`},
		{"/sim/encrypt", `{"user":"alice","kind":"x"}`}, {"/sim/encrypt", `{"user":"alice","kind":"phone","age":"old"}`},
		{"/sim/sign", `{}`}, {"/sim/rotate", `{}`}, {"/sim/block", `{}`}, {"/sim/kill-token", `{"appid":"wx9"}`}, {"/sim/fault", `{"status":99}`},
	} {
		if s := w.send("POST", c[0], nil, c[1]); s.status != 400 || s.text("error") == "" {
			t.Errorf("%s %s: %d %s", c[0], c[1], s.status, s.body)
		}
	}
}

func TestNoControlUnlessAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.expect("control", w.send("POST", "/sim/code", nil, `{"user":"alice"}`), 40066)
}
