package upstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// pair is a connection to a target and the target's end of it.
func pair(t *testing.T) (*trackedConn, net.Conn) {
	t.Helper()
	ends := make(chan net.Conn, 1)
	over := make(chan struct{})
	u := serveRaw(t, func(c net.Conn, _ *bufio.Reader) { ends <- c; <-over })
	t.Cleanup(func() { close(over) })
	c, err := net.Dial("tcp", u[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &trackedConn{Conn: c, changed: make(chan struct{}, 1), earlyClose: new(earlyCloseDetector)}, <-ends
}

func TestOnlyACleanIdleConnectionCarriesANonIdempotentRequest(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(net.Conn){
		"closed":   func(c net.Conn) { c.Close() },
		"reset":    reset,
		"speaking": func(c net.Conn) { io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") },
	} {
		c, target := pair(t)
		c.earlyClose.recordReuse()
		if !c.earlyClose.allowsReuse(c, 0) {
			t.Errorf("%s: unfit before", name)
		}
		disturb(target)
		testkit.Eventually(t, name+": unfit after", func() bool { return !c.earlyClose.allowsReuse(c, 0) })
	}
}

func TestALongIdleConnectionIsUnfit(t *testing.T) {
	t.Parallel()
	c, _ := pair(t)
	c.earlyClose.recordReuse()
	if !c.earlyClose.allowsReuse(c, idleNonIdempotentMax) || c.earlyClose.allowsReuse(c, idleNonIdempotentMax+1) {
		t.Error("the limit is not at idleOnce")
	}
}

func TestATargetThatClosesEarlyIsRememberedForAWhile(t *testing.T) {
	t.Parallel()
	c, _ := pair(t)
	c.earlyClose.recordClose(time.Now().Add(-earlyCloseWithin))
	if !c.earlyClose.allowsReuse(c, earlyCloseWait) {
		t.Error("an ordinary close made it unfit")
	}
	c.earlyClose.recordClose(time.Now())
	if c.earlyClose.allowsReuse(c, earlyCloseWait) {
		t.Error("fit right after an early close")
	}
}

// RT-01. http.Transport repeats any request that has an Idempotency-Key and no
// body when a connection breaks that was used before.
func TestNothingUnsafeIsSentTwiceOverAUsedConnection(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"POST", "PATCH"} {
		for _, body := range []string{"", "x"} {
			var seen atomic.Int64
			u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
				answerAll(c, r, func(req *http.Request) (string, bool) {
					if req.URL.Path == "/warm" {
						return ok(""), true
					}
					if req.Header.Get("Idempotency-Key") != "k" {
						t.Error("the backend misses the Idempotency-Key")
					}
					seen.Add(1)
					return "", false
				})
			})
			g, _ := group(t, Config{Targets: targets(t, u), Retries: 1})
			get(t, g, "/warm")
			get(t, g, "/warm")
			req := request(t, method, "/", body)
			req.Header.Set("Idempotency-Key", "k")
			if r := send(g, req); r.err == nil {
				t.Errorf("%s: answered with %d", method, r.status)
			}
			if n := seen.Load(); n != 1 {
				t.Errorf("%s %q: sent %d times", method, body, n)
			}
		}
	}
}

func TestASafeRequestIsSentAgainWhenAUsedConnectionBreaks(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		var broken atomic.Bool
		u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
			answerAll(c, r, func(req *http.Request) (string, bool) {
				if req.URL.Path == "/warm" || broken.Swap(true) {
					return ok(""), true
				}
				return "", false
			})
		})
		g, _ := group(t, Config{Targets: targets(t, u), Eject: Eject{Failures: 1}})
		get(t, g, "/warm")
		if r := send(g, request(t, method, "/", "")); r.err != nil || !g.Status()[0].Available() {
			t.Errorf("%s: %v, %+v", method, r.err, g.Status()[0])
		}
	}
}

func TestANewEndpointIsGivenTimeToCloseItsConnection(t *testing.T) {
	t.Parallel()
	c, _ := pair(t)
	start := time.Now()
	if !c.earlyClose.allowsReuse(c, 0) || time.Since(start) < earlyCloseWait {
		t.Errorf("decided after %v", time.Since(start))
	}
	_, u := serveNamed(t, "a")
	g, _ := group(t, Config{Targets: targets(t, u)})
	for range 3 {
		get(t, g, "/")
	}
	if !g.endpoints[0].earlyClose.keepsConns.Load() {
		t.Error("three answers over a connection prove nothing")
	}
}

// However many idle connections turn out to be broken, a DELETE that may have
// arrived over one of them is sent once more, over a new one.
func TestAfterABrokenConnectionOnlyANewOneWillDo(t *testing.T) {
	t.Parallel()
	c, _ := pair(t)
	c.written.Store(100)
	a := &attempts{req: request(t, "DELETE", "/", ""), attemptConn: attemptConn{connRequested: true, connected: true, reused: true, trackedConn: c}}
	if v := a.classifyError(io.EOF); !v.retryStaleConn || !a.newConnOnly || a.mayReuse(c, 0) {
		t.Errorf("decision is %+v, an idle connection fits: %v", v, a.mayReuse(c, 0))
	}
}
