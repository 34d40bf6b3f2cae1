package upstream

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

func TestTargetIsEjectedAfterConsecutiveFailures(t *testing.T) {
	t.Parallel()
	for _, code := range []int{502, 503, 504} {
		unhealthy, a := serveCounting(t, "a")
		_, b := serveCounting(t, "b")
		unhealthy.code.Store(int64(code))
		g, _ := groupWithClock(t, Config{Targets: targets(t, a, b), Eject: Eject{Failures: 3, For: 10 * time.Second}})
		for range 40 {
			get(t, g, "/")
		}
		if n := unhealthy.requests.Load(); n != 3 {
			t.Errorf("%d: %d requests instead of 3", code, n)
		}
	}
}

func TestASuccessResetsTheFailureCount(t *testing.T) {
	t.Parallel()
	e := ejection{config: Eject{Failures: 3, For: time.Minute}}
	now := new(testkit.Clock).Now()
	for range 5 {
		e.recordFailure(now, now)
		e.recordFailure(now, now)
		e.recordSuccess(now, now)
	}
	if !e.allows(now) {
		t.Error("ejected for failures that were not in a row")
	}
}

func TestApplicationErrorsDontEject(t *testing.T) {
	t.Parallel()
	unhealthy, a := serveCounting(t, "a")
	unhealthy.code.Store(500)
	_, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, a, b), Eject: Eject{Failures: 1, For: time.Minute}})
	for range 10 {
		get(t, g, "/")
	}
	if n := unhealthy.requests.Load(); n != 5 {
		t.Errorf("%d requests instead of 5", n)
	}
}

func TestAnEjectedTargetRecovers(t *testing.T) {
	t.Parallel()
	unhealthy, a := serveCounting(t, "a")
	_, b := serveCounting(t, "b")
	unhealthy.code.Store(503)
	g, k := groupWithClock(t, Config{Targets: targets(t, a, b), Eject: Eject{Failures: 1, For: 10 * time.Second}})
	get(t, g, "/")
	if s := g.Status()[0]; s.Available() || !s.EjectedUntil.Equal(k.Now().Add(10*time.Second)) {
		t.Errorf("status after the failure: %+v", s)
	}
	unhealthy.code.Store(0)
	k.Advance(10 * time.Second)
	for range 4 {
		get(t, g, "/")
	}
	if n := unhealthy.requests.Load(); n < 2 || !g.Status()[0].Available() {
		t.Errorf("%d requests, %+v", n, g.Status()[0])
	}
}

func TestAHalfOpenEndpointGetsOneRequestASecond(t *testing.T) {
	t.Parallel()
	e := ejection{config: Eject{Failures: 1, For: 10 * time.Second}}
	k := new(testkit.Clock)
	e.recordFailure(k.Now(), k.Now())
	k.Advance(10 * time.Second)
	if !e.allows(k.Now()) {
		t.Fatal("not half-open after its time")
	}
	e.recordSent(k.Now())
	if e.allows(k.Now().Add(halfOpenInterval - 1)) {
		t.Error("a second request within a second")
	}
	if !e.allows(k.Now().Add(halfOpenInterval)) {
		t.Error("no further request after a second")
	}
}

func TestOtherRequestsDontWaitForAHalfOpenEndpoint(t *testing.T) {
	t.Parallel()
	arrived, over := make(chan struct{}, 10), make(chan struct{})
	var code atomic.Int64
	code.Store(503)
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(code.Load()))
		if code.Load() == 200 {
			arrived <- struct{}{}
			<-over
		}
	})
	_, b := serveCounting(t, "b")
	g, k := groupWithClock(t, Config{Targets: targets(t, a, b), Eject: Eject{Failures: 1, For: 10 * time.Second}})
	get(t, g, "/")
	code.Store(200)
	k.Advance(10 * time.Second)
	var background sync.WaitGroup
	defer background.Wait()
	defer close(over)
	for range 2 { // one of the two goes to the half-open target
		background.Go(func() { get(t, g, "/") })
	}
	<-arrived
	for range 5 {
		if r := get(t, g, "/"); r.body != "b" {
			t.Errorf("got %q, %v", r.body, r.err)
		}
	}
}

func TestEjectionTimesDoubleUpToEightfoldAndReset(t *testing.T) {
	t.Parallel()
	e := ejection{config: Eject{Failures: 1, For: time.Second}}
	k := new(testkit.Clock)
	for _, want := range []time.Duration{1, 2, 4, 8, 8} {
		e.recordFailure(k.Now(), k.Now())
		if got := e.ejectedUntil().Sub(k.Now()); got != want*time.Second {
			t.Errorf("out for %v instead of %v", got, want*time.Second)
		}
		k.Advance(e.ejectedUntil().Sub(k.Now()))
	}
	e.recordSuccess(k.Now(), k.Now())
	k.Advance(9 * time.Second)
	e.recordFailure(k.Now(), k.Now())
	if got := e.ejectedUntil().Sub(k.Now()); got != time.Second {
		t.Errorf("out for %v after a good time", got)
	}
}

func TestResponsesToRequestsFromBeforeAnEjectionAreIgnored(t *testing.T) {
	t.Parallel()
	e := ejection{config: Eject{Failures: 1, For: 10 * time.Second}}
	k := new(testkit.Clock)
	early := k.Now()
	k.Advance(time.Second)
	e.recordFailure(k.Now(), k.Now())
	if e.recordSuccess(early, k.Now()) || e.allows(k.Now()) {
		t.Error("a request from before brought it back")
	}
	k.Advance(10 * time.Second)
	until := e.ejectedUntil()
	if e.recordFailure(early, k.Now()) || !e.ejectedUntil().Equal(until) {
		t.Error("a request from before prolonged it")
	}
}

// RT-05
func TestIfAllTargetsAreEjectedRequestsAreStillSent(t *testing.T) {
	t.Parallel()
	one, a := serveCounting(t, "a")
	two, b := serveCounting(t, "b")
	one.code.Store(503)
	two.code.Store(503)
	g, _ := groupWithClock(t, Config{Targets: targets(t, a, b), Eject: Eject{Failures: 1, For: time.Hour}})
	for range 4 {
		if r := get(t, g, "/"); r.status != 503 || r.err != nil {
			t.Errorf("got %d, %v instead of the backend's own response", r.status, r.err)
		}
	}
	one.code.Store(0)
	get(t, g, "/")
	get(t, g, "/")
	if s := g.Status(); !s[0].Available() || s[1].Available() {
		t.Errorf("after a success of the first: %+v", s)
	}
	if r := get(t, g, "/"); r.body != "a" {
		t.Errorf("the next response is of %q", r.body)
	}
}

func TestConnectErrorsEject(t *testing.T) {
	t.Parallel()
	_, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, refusedURL, b), Eject: Eject{Failures: 2, For: time.Minute}})
	failed := 0
	for range 20 {
		if get(t, g, "/").err != nil {
			failed++
		}
	}
	if failed != 2 {
		t.Errorf("%d requests failed instead of 2", failed)
	}
}

func TestATargetThatTimesOutIsEjected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ scheme, method, body string }{
		"GET":                       {"http", "GET", ""},
		"POST":                      {"http", "POST", "x"},
		"body that it doesn't read": {"http", "POST", "endless"},
		"h2c":                       {"h2c", "GET", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			hung := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
				http.ReadRequest(r)
				<-over
			})
			t.Cleanup(func() { close(over) })
			g, _ := groupWithClock(t, Config{
				Targets: targets(t, c.scheme+hung[len("http"):]), Timeout: 50 * time.Millisecond,
				Eject: Eject{Failures: 2, For: time.Minute},
			})
			for range 2 {
				req := request(t, c.method, "/", c.body)
				if c.body == "endless" {
					req = withBody(endless{})(req)
				}
				if s := g.Status()[0]; !s.Available() {
					t.Fatalf("ejected after one: %+v", s)
				}
				if r := send(g, req); !errors.Is(r.err, ErrTimeout) {
					t.Errorf("error is %v", r.err)
				}
			}
			if s := g.Status()[0]; s.Available() || s.LastFailure != "timeout: timed out" || s.LastFailureAt.IsZero() {
				t.Errorf("after two time-outs: %+v", s)
			}
		})
	}
}

func TestClientErrorsNeverEjectATarget(t *testing.T) {
	t.Parallel()
	_, a := serveCounting(t, "a")
	g, _ := groupWithClock(t, Config{Targets: targets(t, a), Eject: Eject{Failures: 1, For: time.Minute}})
	for name, spoil := range map[string]func(*http.Request) *http.Request{
		"canceled":       withCanceledContext,
		"broken body":    withBody(brokenBody{}),
		"invalid header": func(r *http.Request) *http.Request { r.Header["X"] = []string{"a\nb"}; return r },
		"invalid method": func(r *http.Request) *http.Request { r.Method = "A B"; return r },
	} {
		if r := send(g, spoil(request(t, "POST", "/", ""))); r.err == nil {
			t.Errorf("%s: no error", name)
		}
		if s := g.Status()[0]; !s.Available() || s.InFlight != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
