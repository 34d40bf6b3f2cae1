package wechattest_test

import (
	"testing"
	"time"

	"wxgate/wechat/wechattest"
)

// expectToken checks the errcode of a call with the token.
func (sim *testSimulator) expectToken(what, token string, errcode int) {
	sim.t.Helper()
	u := sim.user("wx1", "somebody")
	s := sim.get("/wxa/checksession", query("access_token", token, "openid", u.OpenID, "sig_method", "hmac_sha256"))
	sim.expect(what, s, errcode)
}

// tokenAccepted is the errcode of expectToken's call for a valid token: its signature is
// missing.
const tokenAccepted = 87009

func TestStableTokenIsReplacedFiveMinutesBeforeItsExpiry(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	first := sim.stableToken(false)
	sim.Advance(time.Hour)
	again := sim.stableToken(false)
	if again.text("access_token") != first.text("access_token") || first.fields["expires_in"] != 7200.0 || again.fields["expires_in"] != 3600.0 {
		t.Errorf("%s, then %s", first.body, again.body)
	}
	sim.Advance(55*time.Minute + time.Second)
	next := sim.token()
	if next == first.text("access_token") {
		t.Error("the same token five minutes before its expiry")
	}
	sim.expectToken("the old one beside the new", first.text("access_token"), tokenAccepted)
	sim.expectToken("the new one", next, tokenAccepted)
	sim.Advance(5 * time.Minute)
	sim.expectToken("the old one at its expiry", first.text("access_token"), 42001)
}

func TestForcedRefreshInvalidatesTheOldToken(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	first := sim.token()
	second := sim.stableToken(true).text("access_token")
	sim.expectToken("the old one", first, 40001)
	sim.expectToken("the new one", second, tokenAccepted)
	if got := sim.stableToken(true).text("access_token"); got != second {
		t.Error("a second forced refresh within 30 s")
	}
	for range 19 {
		sim.Advance(30 * time.Second)
		sim.expect("within twenty a day", sim.stableToken(true), 0)
	}
	sim.Advance(30 * time.Second)
	sim.expect("over twenty a day", sim.stableToken(true), 45009)
	sim.Advance(24 * time.Hour)
	sim.expect("the next day", sim.stableToken(true), 0)
}

func TestLegacyTokenIsNewEachTime(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	stable := sim.token()
	legacy := func() string {
		return sim.get("/cgi-bin/token", query("grant_type", "client_credential", "appid", "wx1", "secret", "s1")).text("access_token")
	}
	first, second := legacy(), legacy()
	sim.expectToken("the old one for a while", first, tokenAccepted)
	sim.Advance(5 * time.Minute)
	sim.expectToken("the old one", first, 42001)
	sim.expectToken("the new one", second, tokenAccepted)
	if sim.token() != stable {
		t.Error("a legacy token changed the stable one")
	}
	sim.expect("grant type", sim.get("/cgi-bin/token", query("appid", "wx1", "secret", "s1")), 40002)
}

func TestInvalidateToken(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	first := sim.token()
	if err := sim.InvalidateToken("wx1", false); err != nil {
		t.Fatal(err)
	}
	sim.expectToken("invalidated", first, 40001)
	second := sim.token()
	sim.expectToken("the next one", second, tokenAccepted)
	if err := sim.InvalidateToken("", true); err != nil {
		t.Fatal(err)
	}
	sim.expectToken("silently invalidated", second, 40001)
	if sim.token() != second {
		t.Error("stable_token replaced the token")
	}
	sim.expectToken("forced", sim.stableToken(true).text("access_token"), tokenAccepted)
	if err := sim.InvalidateToken("wx9", false); err == nil {
		t.Error("an unknown app has a token")
	}
}

func TestTokenCallsCheckTheIPWhitelist(t *testing.T) {
	t.Parallel()
	for allowed, errcode := range map[string]int{"127.0.0.1": 0, "127.0.0.0/8": 0, "10.0.0.1": 40164, "::1/128": 40164, "junk": 40164} {
		sim := newTestSimulator(t, func(o *wechattest.Options) { o.Apps[0].AllowedIPs = []string{allowed} })
		sim.expect(allowed, sim.stableToken(false), errcode)
		sim.expect("logins are not restricted", sim.login("wx1", "s1", sim.user("wx1", "alice").Code()), 0)
	}
}

func TestStableTokenErrcodes(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	for body, errcode := range map[string]int{
		`{"appid":"wx1","secret":"s1"}`:                                     40002,
		`{"grant_type":"client_credential","secret":"s1"}`:                  41002,
		`{"grant_type":"client_credential","appid":"wx1"}`:                  41004,
		`{"grant_type":"client_credential","appid":"wx9","secret":"s1"}`:    40013,
		`{"grant_type":"client_credential","appid":"wx1","secret":"wrong"}`: 40125,
		`{"grant_type":1}`: 47001,
	} {
		sim.expect(body, sim.send("POST", "/cgi-bin/stable_token", nil, body), errcode)
	}
}
