package wechattest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/wechat/wechattest"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user("wx1", "alice")
	w.AddFault(wechattest.Fault{API: "/sns/jscode2session", Errcode: -1, Times: 2})
	w.expect("another API", w.stableToken(false), 0)
	code := u.Code()
	for range 2 {
		s := w.login("wx1", "s1", code)
		w.expect("busy", s, -1)
		if s.contentType != "text/plain" {
			t.Errorf("busy is %s", s.contentType)
		}
	}
	w.expect("busy no longer, and the code is good", w.login("wx1", "s1", code), 0)
	w.AddFault(wechattest.Fault{Status: 502})
	w.AddFault(wechattest.Fault{Body: "<html>"})
	for range 3 {
		if s := w.stableToken(false); s.status != 502 {
			t.Errorf("down: %d", s.status)
		}
	}
	w.ClearFaults()
	w.AddFault(wechattest.Fault{Body: "<html>", Times: 1})
	if s := w.stableToken(false); s.status != 200 || s.body != "<html>" || s.contentType != "text/html" {
		t.Errorf("a proxy's page: %+v", s)
	}
	w.AddFault(wechattest.Fault{Delay: 30 * time.Millisecond, Times: 1})
	start := time.Now()
	w.expect("slow", w.stableToken(false), 0)
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("slow took %v", took)
	}
}

func TestDroppedConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddFault(wechattest.Fault{Drop: true, Times: 1})
	if res, err := http.Post(w.base+"/wxa/x", "text/plain", strings.NewReader("x")); err == nil {
		_ = res.Body.Close()
		t.Error("it answered")
	}
	if c := w.Calls(); len(c) != 1 || c[0].Status != 0 {
		t.Errorf("recorded %+v", c)
	}
}

func TestSlowCallEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddFault(wechattest.Fault{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", w.base+"/wxa/x", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		_ = res.Body.Close()
		t.Error("it answered")
	} // closing the server waits for the call, and so proves that it ended
}
