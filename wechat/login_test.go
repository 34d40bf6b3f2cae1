package wechat_test

import "testing"

func TestLoginGivesWhatWeChatSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user(t, "alice")
	got := w.login(t, u)
	if got.OpenID != u.OpenID || got.UnionID != u.UnionID || !got.SessionKey.Equal(u.SessionKey()) {
		t.Errorf("got %+v for %+v", got, u)
	}
}
