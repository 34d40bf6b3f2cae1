package wechattest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"wxgate/wechat/wechattest"
)

func TestCallsAreRecordedWithoutSecrets(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var observed []wechattest.Call
	sim := newTestSimulator(t, func(o *wechattest.Options) {
		o.Apps[0].Secret = "APPSECRET"
		o.OnCall = func(c wechattest.Call) {
			mu.Lock()
			defer mu.Unlock()
			observed = append(observed, c)
		}
	})
	u := sim.user("wx1", "alice")
	code := u.Code()
	sim.login("wx1", "APPSECRET", code)
	body := `{"grant_type":"client_credential","appid":"wx1","secret":"APPSECRET"}`
	token := sim.send("POST", "/cgi-bin/stable_token", nil, body).text("access_token")
	sim.get("/wxa/resetusersessionkey", query("access_token", token, "openid", u.OpenID, "sig_method", "hmac_sha256", "signature", sign(u.SessionKey())))
	sim.send("POST", "/wxa/getwxacodeunlimit", query("access_token", token), `{"scene":"a"}`)
	calls := sim.Calls()
	mu.Lock()
	defer mu.Unlock()
	if len(calls) != 4 || len(observed) != 4 {
		t.Fatalf("%d calls recorded, OnCall called %d times", len(calls), len(observed))
	}
	text := fmt.Sprintf("%+v", calls)
	for _, s := range []string{"APPSECRET", token, u.SessionKey()} {
		if strings.Contains(text, s) {
			t.Errorf("%q is in %s", s, text)
		}
	}
	first := calls[0]
	if first.API != "/sns/jscode2session" || first.AppID != "wx1" || !strings.Contains(first.Query, code) || !strings.Contains(first.Response, u.OpenID) {
		t.Errorf("got %+v", first)
	}
	if calls[2].AppID != "wx1" || calls[3].Response != "" || calls[3].Body != `{"scene":"a"}` {
		t.Errorf("got %+v", calls[2:])
	}
	if sim.Count("/sns/jscode2session") != 1 || sim.Count("/wxa/nothing") != 0 {
		t.Error("a wrong count")
	}
}

func TestRecordedCallsAreLimited(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	for i := range 1010 {
		sim.get("/wxa/x", query("i", fmt.Sprint(i)))
	}
	c := sim.Calls()
	if len(c) != 1000 || c[0].Query != "i=10" || c[999].Query != "i=1009" || sim.Count("/wxa/x") != 1010 {
		t.Errorf("%d calls from %s to %s", len(c), c[0].Query, c[len(c)-1].Query)
	}
}
