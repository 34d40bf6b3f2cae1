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
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	sim.AddFault(wechattest.Fault{API: "/sns/jscode2session", Errcode: -1, Times: 2})
	sim.expect("another API", sim.stableToken(false), 0)
	code := u.Code()
	for range 2 {
		s := sim.login("wx1", "s1", code)
		sim.expect("busy", s, -1)
		if s.contentType != "text/plain" {
			t.Errorf("busy is %s", s.contentType)
		}
	}
	sim.expect("the unused code after the fault", sim.login("wx1", "s1", code), 0)
	sim.AddFault(wechattest.Fault{Status: 502})
	sim.AddFault(wechattest.Fault{Body: "<html>"})
	for range 3 {
		if s := sim.stableToken(false); s.status != 502 {
			t.Errorf("status %d", s.status)
		}
	}
	sim.ClearFaults()
	sim.AddFault(wechattest.Fault{Body: "<html>", Times: 1})
	if s := sim.stableToken(false); s.status != 200 || s.body != "<html>" || s.contentType != "text/html" {
		t.Errorf("a proxy's page: %+v", s)
	}
	sim.AddFault(wechattest.Fault{Delay: 30 * time.Millisecond, Times: 1})
	start := time.Now()
	sim.expect("slow", sim.stableToken(false), 0)
	if elapsed := time.Since(start); elapsed < 30*time.Millisecond {
		t.Errorf("responded after %v", elapsed)
	}
}

func TestDroppedConnection(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	sim.AddFault(wechattest.Fault{Drop: true, Times: 1})
	if res, err := http.Post(sim.base+"/wxa/x", "text/plain", strings.NewReader("x")); err == nil {
		_ = res.Body.Close()
		t.Error("no error")
	}
	if c := sim.Calls(); len(c) != 1 || c[0].Status != 0 {
		t.Errorf("recorded %+v", c)
	}
}

func TestDelayedCallEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	sim.AddFault(wechattest.Fault{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", sim.base+"/wxa/x", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		_ = res.Body.Close()
		t.Error("no error")
	} // closing the test server waits until the call has ended
}
