package wechattest_test

import (
	"testing"
	"time"

	"wxgate/wechat/wechattest"
)

// lives says what a call with the token gets; 87009 is past the token's check.
func (w *world) lives(what, token string, errcode int) {
	w.t.Helper()
	u := w.user("wx1", "somebody")
	s := w.get("/wxa/checksession", query("access_token", token, "openid", u.OpenID, "sig_method", "hmac_sha256"))
	w.expect(what, s, errcode)
}

const alive = 87009

func TestStableTokenStaysUntilItsEndIsNear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.stableToken(false)
	w.advance(time.Hour)
	again := w.stableToken(false)
	if again.text("access_token") != first.text("access_token") || first.fields["expires_in"] != 7200.0 || again.fields["expires_in"] != 3600.0 {
		t.Errorf("%s, then %s", first.body, again.body)
	}
	w.advance(55*time.Minute + time.Second)
	next := w.token()
	if next == first.text("access_token") {
		t.Error("no new one five minutes ahead")
	}
	w.lives("the old one beside the new", first.text("access_token"), alive)
	w.lives("the new one", next, alive)
	w.advance(5 * time.Minute)
	w.lives("the old one at its end", first.text("access_token"), 42001)
}

func TestForcedRefreshEndsTheOldToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.token()
	second := w.stableToken(true).text("access_token")
	w.lives("the old one", first, 40001)
	w.lives("the new one", second, alive)
	if got := w.stableToken(true).text("access_token"); got != second {
		t.Error("a second one within 30 s")
	}
	for range 19 {
		w.advance(30 * time.Second)
		w.expect("within twenty a day", w.stableToken(true), 0)
	}
	w.advance(30 * time.Second)
	w.expect("over twenty a day", w.stableToken(true), 45009)
	w.advance(24 * time.Hour)
	w.expect("the next day", w.stableToken(true), 0)
}

func TestLegacyTokenIsNewEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stable := w.token()
	legacy := func() string {
		return w.get("/cgi-bin/token", query("grant_type", "client_credential", "appid", "wx1", "secret", "s1")).text("access_token")
	}
	first, second := legacy(), legacy()
	w.lives("the old one for a while", first, alive)
	w.advance(5 * time.Minute)
	w.lives("the old one", first, 42001)
	w.lives("the new one", second, alive)
	if w.token() != stable {
		t.Error("the two kinds disturb one another")
	}
	w.expect("grant type", w.get("/cgi-bin/token", query("appid", "wx1", "secret", "s1")), 40002)
}

func TestKilledToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.token()
	if err := w.KillToken("wx1", false); err != nil {
		t.Fatal(err)
	}
	w.lives("killed", first, 40001)
	second := w.token()
	w.lives("the next one", second, alive)
	if err := w.KillToken("", true); err != nil {
		t.Fatal(err)
	}
	w.lives("killed in silence", second, 40001)
	if w.token() != second {
		t.Error("WeChat noticed")
	}
	w.lives("forced", w.stableToken(true).text("access_token"), alive)
	if err := w.KillToken("wx9", false); err == nil {
		t.Error("an unknown app has a token")
	}
}

func TestTokensAreForWhitelistedAddresses(t *testing.T) {
	t.Parallel()
	for allowed, errcode := range map[string]int{"127.0.0.1": 0, "127.0.0.0/8": 0, "10.0.0.1": 40164, "::1/128": 40164, "junk": 40164} {
		w := newWorld(t, func(o *wechattest.Options) { o.Apps[0].AllowedIPs = []string{allowed} })
		w.expect(allowed, w.stableToken(false), errcode)
		w.expect("logins don't care", w.login("wx1", "s1", w.user("wx1", "alice").Code()), 0)
	}
}

func TestStableTokenRefusesAsWeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, errcode := range map[string]int{
		`{"appid":"wx1","secret":"s1"}`:                                     40002,
		`{"grant_type":"client_credential","secret":"s1"}`:                  41002,
		`{"grant_type":"client_credential","appid":"wx1"}`:                  41004,
		`{"grant_type":"client_credential","appid":"wx9","secret":"s1"}`:    40013,
		`{"grant_type":"client_credential","appid":"wx1","secret":"wrong"}`: 40125,
		`{"grant_type":1}`: 47001,
	} {
		w.expect(body, w.send("POST", "/cgi-bin/stable_token", nil, body), errcode)
	}
}
