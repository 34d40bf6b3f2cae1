package wechattest_test

import (
	"testing"
	"time"

	"wxgate/wechat/wechattest"
)

func TestLoginAnswersAsWeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user("wx1", "alice")
	s := w.login("wx1", "s1", u.Code())
	if s.contentType != "text/plain" || s.status != 200 {
		t.Errorf("%d %s", s.status, s.contentType)
	}
	if _, has := s.fields["errcode"]; has || len(s.fields) != 3 {
		t.Errorf("success is %s", s.body)
	}
	if s.text("openid") != u.OpenID || s.text("unionid") != u.UnionID || s.text("session_key") != u.SessionKey() {
		t.Errorf("%s for %+v", s.body, u)
	}
	if s = w.login("wx1", "s1", "no"); s.contentType != "text/plain" {
		t.Errorf("refusals are %s", s.contentType)
	}
}

func TestLoginRefusesAsWeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *wechattest.Options) {
		o.Apps = append(o.Apps, wechattest.App{ID: "wxfrozen", Secret: "s", Frozen: true})
	})
	alice, mallory := w.user("wx1", "alice"), w.user("wx1", "mallory")
	mallory.Block(true)
	used, old := alice.Code(), alice.Code()
	w.expect("first use", w.login("wx1", "s1", used), 0)
	w.expect("second use", w.login("wx1", "s1", used), 40163)
	w.expect("no appid", w.login("", "s1", "c"), 41002)
	w.expect("no secret", w.login("wx1", "", "c"), 41004)
	w.expect("no code", w.login("wx1", "s1", ""), 41008)
	w.expect("wrong appid", w.login("wx9", "s1", "c"), 40013)
	w.expect("wrong secret", w.login("wx1", "s2", "c"), 40125)
	w.expect("frozen secret", w.login("wxfrozen", "s", "c"), 40243)
	w.expect("grant type", w.get("/sns/jscode2session", query("appid", "wx1", "secret", "s1", "js_code", "c")), 40002)
	w.expect("another app's", w.login("wx2", "s2", alice.Code()), 40029)
	w.expect("phone code", w.login("wx1", "s1", alice.PhoneCode()), 40029)
	w.expect("made up", w.login("wx1", "s1", "c"), 40029)
	w.expect("blocked user", w.login("wx1", "s1", mallory.Code()), 40226)
	w.expect("parameters in a body", w.send("POST", "/sns/jscode2session", nil, "appid=wx1&secret=s1"), 41002)
	w.advance(5 * time.Minute)
	w.expect("run out", w.login("wx1", "s1", old), 40029)
	mallory.Block(false)
	w.expect("no longer blocked", w.login("wx1", "s1", mallory.Code()), 0)
}

func TestUsersAreKnownByAppAndName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *wechattest.Options) {
		o.Apps = append(o.Apps, wechattest.App{ID: "wx3", Secret: "s3", NoUnionID: true})
	})
	a1, a2, a3, b1 := w.user("wx1", "alice"), w.user("wx2", "alice"), w.user("wx3", "alice"), w.user("wx1", "bob")
	if a1.OpenID == a2.OpenID || a1.OpenID == b1.OpenID || a1.UnionID != a2.UnionID || a1.UnionID == b1.UnionID || a3.UnionID != "" {
		t.Errorf("%+v %+v %+v %+v", a1, a2, a3, b1)
	}
	if len(a1.OpenID) != 28 || w.user("", "alice") != a1 || newWorld(t).user("wx1", "alice").OpenID != a1.OpenID {
		t.Errorf("%+v", a1)
	}
	if s := w.login("wx3", "s3", a3.Code()); len(s.fields) != 2 {
		t.Errorf("without unionid: %s", s.body)
	}
	if _, err := w.User("wx9", "alice"); err == nil {
		t.Error("an unknown app has users")
	}
	if _, err := w.User("wx1", ""); err == nil {
		t.Error("somebody has no name")
	}
}

func TestLoginsOfAUserAreLimitedByTheMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user("wx1", "alice")
	for range 100 {
		w.expect("within the limit", w.login("wx1", "s1", u.Code()), 0)
	}
	code := u.Code()
	w.expect("over it", w.login("wx1", "s1", code), 45011)
	w.expect("another user", w.login("wx1", "s1", w.user("wx1", "bob").Code()), 0)
	w.advance(time.Minute)
	w.expect("the next minute, with the same code", w.login("wx1", "s1", code), 0)
}

func TestWXLoginChangesTheSessionKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user("wx1", "alice")
	first := u.Code()
	key := u.SessionKey()
	u.Code()
	if u.SessionKey() == key {
		t.Error("it stayed")
	}
	if s := w.login("wx1", "s1", first); s.text("session_key") != u.SessionKey() {
		t.Error("a user has two keys")
	}
}
