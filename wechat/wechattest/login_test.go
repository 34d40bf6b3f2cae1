package wechattest_test

import (
	"testing"
	"time"

	"wxgate/wechat/wechattest"
)

func TestLoginResponses(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	s := sim.login("wx1", "s1", u.Code())
	if s.contentType != "text/plain" || s.status != 200 {
		t.Errorf("%d %s", s.status, s.contentType)
	}
	if _, has := s.fields["errcode"]; has || len(s.fields) != 3 {
		t.Errorf("success is %s", s.body)
	}
	if s.text("openid") != u.OpenID || s.text("unionid") != u.UnionID || s.text("session_key") != u.SessionKey() {
		t.Errorf("%s for %+v", s.body, u)
	}
	if s = sim.login("wx1", "s1", "no"); s.contentType != "text/plain" {
		t.Errorf("errors are %s", s.contentType)
	}
}

func TestLoginErrcodes(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t, func(o *wechattest.Options) {
		o.Apps = append(o.Apps, wechattest.App{ID: "wxfrozen", Secret: "s", Frozen: true})
	})
	alice, mallory := sim.user("wx1", "alice"), sim.user("wx1", "mallory")
	mallory.Block(true)
	used, old := alice.Code(), alice.Code()
	sim.expect("first use", sim.login("wx1", "s1", used), 0)
	sim.expect("second use", sim.login("wx1", "s1", used), 40163)
	sim.expect("no appid", sim.login("", "s1", "c"), 41002)
	sim.expect("no secret", sim.login("wx1", "", "c"), 41004)
	sim.expect("no code", sim.login("wx1", "s1", ""), 41008)
	sim.expect("wrong appid", sim.login("wx9", "s1", "c"), 40013)
	sim.expect("wrong secret", sim.login("wx1", "s2", "c"), 40125)
	sim.expect("frozen secret", sim.login("wxfrozen", "s", "c"), 40243)
	sim.expect("grant type", sim.get("/sns/jscode2session", query("appid", "wx1", "secret", "s1", "js_code", "c")), 40002)
	sim.expect("another app's", sim.login("wx2", "s2", alice.Code()), 40029)
	sim.expect("phone code", sim.login("wx1", "s1", alice.PhoneCode()), 40029)
	sim.expect("made up", sim.login("wx1", "s1", "c"), 40029)
	sim.expect("blocked user", sim.login("wx1", "s1", mallory.Code()), 40226)
	sim.expect("parameters in a body", sim.send("POST", "/sns/jscode2session", nil, "appid=wx1&secret=s1"), 41002)
	sim.Advance(5 * time.Minute)
	sim.expect("expired", sim.login("wx1", "s1", old), 40029)
	mallory.Block(false)
	sim.expect("no longer blocked", sim.login("wx1", "s1", mallory.Code()), 0)
}

func TestUsersAreIdentifiedByAppAndName(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t, func(o *wechattest.Options) {
		o.Apps = append(o.Apps, wechattest.App{ID: "wx3", Secret: "s3", NoUnionID: true})
	})
	a1, a2, a3, b1 := sim.user("wx1", "alice"), sim.user("wx2", "alice"), sim.user("wx3", "alice"), sim.user("wx1", "bob")
	if a1.OpenID == a2.OpenID || a1.OpenID == b1.OpenID || a1.UnionID != a2.UnionID || a1.UnionID == b1.UnionID || a3.UnionID != "" {
		t.Errorf("%+v %+v %+v %+v", a1, a2, a3, b1)
	}
	if len(a1.OpenID) != 28 || sim.user("", "alice") != a1 || newTestSimulator(t).user("wx1", "alice").OpenID != a1.OpenID {
		t.Errorf("%+v", a1)
	}
	if s := sim.login("wx3", "s3", a3.Code()); len(s.fields) != 2 {
		t.Errorf("without unionid: %s", s.body)
	}
	if _, err := sim.User("wx9", "alice"); err == nil {
		t.Error("an unknown app has users")
	}
	if _, err := sim.User("wx1", ""); err == nil {
		t.Error("a user without a name")
	}
}

func TestLoginsOfAUserAreLimitedPerMinute(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	for range 100 {
		sim.expect("within the limit", sim.login("wx1", "s1", u.Code()), 0)
	}
	code := u.Code()
	sim.expect("over the limit", sim.login("wx1", "s1", code), 45011)
	sim.expect("another user", sim.login("wx1", "s1", sim.user("wx1", "bob").Code()), 0)
	sim.Advance(time.Minute)
	sim.expect("the next minute, with the same code", sim.login("wx1", "s1", code), 0)
}

func TestWXLoginChangesTheSessionKey(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	first := u.Code()
	key := u.SessionKey()
	u.Code()
	if u.SessionKey() == key {
		t.Error("the key is unchanged")
	}
	if s := sim.login("wx1", "s1", first); s.text("session_key") != u.SessionKey() {
		t.Error("the login returned another key")
	}
}
