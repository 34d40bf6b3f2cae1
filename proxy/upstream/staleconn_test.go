package upstream

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
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
						t.Error("the backend misses the Idempotency-Key")
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
