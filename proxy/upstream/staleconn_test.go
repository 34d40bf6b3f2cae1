package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// RT-01. http.Transport repeats any request that has an Idempotency-Key and no
// body when a connection breaks that was used before.
func TestANonIdempotentRequestOnAStaleConnectionIsNotRetried(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"POST", "PATCH"} {
		for _, body := range []string{"", "x"} {
			var seen atomic.Int64
			u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
				serveRequests(c, r, func(req *http.Request) (string, bool) {
					if req.URL.Path == "/warm" {
						return okResponse(""), true
					}
					if req.Header.Get("Idempotency-Key") != "k" {
						t.Error("the Idempotency-Key was not forwarded")
					}
					seen.Add(1)
					return "", false
				})
			})
			g, _ := groupWithClock(t, Config{Targets: targets(t, u), Retries: 1})
			get(t, g, "/warm")
			get(t, g, "/warm")
			req := request(t, method, "/", body)
			req.Header.Set("Idempotency-Key", "k")
			if r := send(g, req); r.err == nil {
				t.Errorf("%s: response %d", method, r.status)
			}
			if n := seen.Load(); n != 1 {
				t.Errorf("%s %q: sent %d times", method, body, n)
			}
		}
	}
}

func TestAnIdempotentRequestOnAStaleConnectionIsRetried(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		var broken atomic.Bool
		u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
			serveRequests(c, r, func(req *http.Request) (string, bool) {
				if req.URL.Path == "/warm" || broken.Swap(true) {
					return okResponse(""), true
				}
				return "", false
			})
		})
		g, _ := groupWithClock(t, Config{Targets: targets(t, u), Eject: Eject{Failures: 1}})
		get(t, g, "/warm")
		if r := send(g, request(t, method, "/", "")); r.err != nil || !g.Status()[0].Available() {
			t.Errorf("%s: %v, %+v", method, r.err, g.Status()[0])
		}
	}
}

var errDialTimeout = &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}

// A host that is shut down closes its idle connections and then accepts no new ones: a
// request that finds a stale connection and can't get a new one is a connect error.
func TestARequestIsRetriedAtAnotherTargetAfterAStaleConnectionAndAFailedDial(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	https := targets(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}, false))[0]
	https.CAFile = ca.file
	for name, first := range map[string]Target{"http": targets(t, serveOncePerConn(t))[0], "https": https} {
		_, second := serveCounting(t, "second")
		g, _ := groupWithClock(t, Config{Targets: append([]Target{first}, targets(t, second)...), Retries: 1})
		for range 2 {
			get(t, g, "/")
		}
		failDials(g.endpoints[0])
		r := send(g, request(t, map[string]string{"http": "GET", "https": "POST"}[name], "/", ""))
		if r.body != "second" || !strings.HasPrefix(g.Status()[0].LastFailure, reasonConnect+": ") {
			t.Errorf("%s: got %q, %v, last failure %q", name, r.body, r.err, g.Status()[0].LastFailure)
		}
	}
}

// serveOncePerConn starts a backend that offers to keep its connections and closes each
// after the first response.
func serveOncePerConn(t *testing.T) string {
	return serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		serveRequests(c, r, func(*http.Request) (string, bool) { return okResponse("first"), false })
	})
}

// failDials makes further dials to an endpoint time out, and its idle connections unusable
// for requests that must not be sent twice.
func failDials(ep *endpoint) {
	ep.earlyClose.closesEarlyUntil.Store(time.Now().Add(time.Minute).UnixNano())
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, errDialTimeout }
	switch rt := (*ep.roundTripper.Load()).(type) {
	case *http1Transport:
		rt.dial = dial
	case netHTTPTransport:
		rt.DialContext = dial
	}
}
