package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/wechat/wechattest"
)

const (
	leakPushToken = "PushTokenNeverShown"
	leakAESKey    = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// Tickets, web session cookies, and the keys of pushes, pre-fetch and users appear in no
// log, metric, unrelated response or Redis value.
func TestNoSecretOfWebPagesAndPushesLeavesTheGateway(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	all := &recordedOutput{t: t, pieces: map[string][]byte{}}
	i := env.serve(settings{
		"log": "{level: debug}", "web": "{cookie: __Host-wxgate}", "identity": "{assertion: {header: X-Identity-Assertion}}",
		"apps": fmt.Sprintf("[{appid: %s, secret: %s, prefetch: {key: %s}, push: {token: %s, aes_key: %s, upstream: %q}}]",
			appA, appASecret, prefetchKey, leakPushToken, leakAESKey, env.backend.URL+"/push"),
		"routes": "[" + env.route("/h5/", "credentials: [bearer, cookie], cookies: drop") + ", " + env.route("/pay/", "proof: sign") + ", " + env.route("/report/", "proof: report") + "]",
	})
	i.client = &http.Client{Transport: all, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	run := wechatLeakRun{leakRun{testEnv: env}, i}
	ticket, cookie := run.webPages()
	code, token := run.prefetches()
	key := run.proofs()
	run.pushes()
	all.dumpRedis(env)
	i.callAdmin("GET", "/metrics", "", "")
	i.end()
	all.pieces["log"] = []byte(i.out.String() + i.err.String())
	if !all.contains(ticket) || cookie == "" || !all.contains(token) || len(all.pieces) < 25 {
		t.Fatalf("too little was recorded: %d pieces", len(all.pieces))
	}
	all.checkAbsent("ticket", ticket, "/auth/ticket")
	all.checkAbsent("page's cookie", cookie)
	all.checkAbsent("login code", code)
	all.checkAbsent("client token", token, "/auth/prefetch")
	for what, secret := range map[string]string{
		"push token": leakPushToken, "aes_key": leakAESKey, "pre-fetch key": prefetchKey, "user's encrypt_key": key.EncryptKey, "user's iv": key.IV,
	} {
		all.checkAbsent(what, secret)
	}
}

// wechatLeakRun calls the gateway's features for WeChat.
type wechatLeakRun struct {
	leakRun
	i *instance
}

// webPages opens a web session, sends valid and invalid requests, and ends it.
func (l wechatLeakRun) webPages() (ticket, cookie string) {
	token := l.i.login("alice")
	ticketResponse := l.i.call("POST", "/auth/ticket", token, `{"next":"/h5/x"}`)
	ticket = ticketResponse.Field("ticket")
	entered := l.i.call("GET", ticketResponse.Field("path"), "", "")
	line := entered.Header.Get("Set-Cookie")
	pair, _, _ := strings.Cut(line, ";")
	_, cookie, _ = strings.Cut(pair, "=")
	l.i.call("GET", "/auth/enter?ticket="+ticket+"x", "", "")
	for _, path := range []string{"/h5/x", "/pay/x", "/auth/session", "/auth/profile", "/nowhere"} {
		for _, site := range []string{"same-origin", "cross-site"} {
			req, err := http.NewRequest("GET", l.i.public+path, nil)
			testkit.Must(l.t, err)
			req.Header.Set("Cookie", pair)
			req.Header.Set("Sec-Fetch-Site", site)
			res, err := l.i.client.Do(req)
			testkit.Must(l.t, err)
			res.Body.Close()
		}
	}
	l.i.call("GET", "/h5/x?cookie=none", cookie+"x", "") // as a token: refused
	l.i.call("POST", "/auth/logout", token, "")
	return ticket, cookie
}

// prefetches sends valid and invalid pre-fetches.
func (l wechatLeakRun) prefetches() (code, token string) {
	code = l.user(appA, "carol").Code()
	path := "/auth/prefetch/" + appA + "/" + prefetchKey
	token = l.i.call("GET", path+"?appid="+appA+"&code="+code, "", "").Field("token")
	l.i.call("GET", path+"?code="+code+"&code="+code, "", "")
	l.i.call("GET", path+"x?code="+code, "", "")
	l.i.call("HEAD", path+"?code="+code, "", "")
	l.i.call("GET", "/auth/"+path+"?code="+code, "", "")
	return code, token
}

// proofs sends invalid proofs, which make the gateway fetch the user's keys.
func (l wechatLeakRun) proofs() wechattest.UserKey {
	token, user := l.i.login("bob"), l.user(appA, "bob")
	key := user.LatestUserKey()
	line := fmt.Sprintf("v=1;k=%d;t=%d;n=%s;h=-;s=%s", key.Version, time.Now().Unix(), strings.Repeat("n", 16), strings.Repeat("A", 43))
	for _, path := range []string{"/pay/x", "/report/x"} {
		req, err := http.NewRequest("GET", l.i.public+path, nil)
		testkit.Must(l.t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-Gateway-Proof", line)
		res, err := l.i.client.Do(req)
		testkit.Must(l.t, err)
		res.Body.Close()
		if path == "/pay/x" && res.Header.Get("X-Gateway-Error") != "proof_invalid" {
			l.t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
	if l.sim.Count("/wxa/business/getuserencryptkey") == 0 {
		l.t.Error("the user's keys were not fetched")
	}
	return key
}

// pushes sends a valid and an invalid push.
func (l wechatLeakRun) pushes() {
	to := wechattest.PushSettings{URL: l.i.public + "/auth/push/" + appA, Token: leakPushToken, AESKey: leakAESKey}
	wrong := to
	wrong.Token = "another"
	for _, settings := range []wechattest.PushSettings{to, wrong} {
		message := map[string]json.RawMessage{"Content": json.RawMessage(`"hi"`)}
		if _, err := l.user(appA, "alice").Push(l.t.Context(), settings, message, 0, time.Millisecond); err != nil {
			l.t.Error(err)
		}
	}
}
