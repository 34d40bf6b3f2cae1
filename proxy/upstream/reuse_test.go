package upstream

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// serveRequests serves the requests of a connection with the responses that f returns,
// until f returns false.
func serveRequests(c net.Conn, r *bufio.Reader, f func(req *http.Request) (response string, keepAlive bool)) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		response, keepAlive := f(req)
		io.WriteString(c, response)
		if !keepAlive {
			return
		}
	}
}

func okResponse(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// Not parallel: under load a backend may close its connections so late that it looks like
// one that keeps them.
func TestATargetThatClosesAfterEachResponseCausesNoErrors(t *testing.T) {
	var served atomic.Int64
	closeAfterResponse := func(c net.Conn, r *bufio.Reader) {
		serveRequests(c, r, func(*http.Request) (string, bool) { served.Add(1); return okResponse("x"), false })
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := newAuthority(t)
	encrypted := targets(t, "https://"+acceptAll(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}), closeAfterResponse))
	encrypted[0].CAFile = ca.file
	t.Run("plain", func(t *testing.T) {
		requireEachServedOnce(t, targets(t, serveRaw(t, closeAfterResponse)), &served, 4, 50)
	})
	t.Run("TLS", func(t *testing.T) { requireEachServedOnce(t, encrypted, &served, 1, 10) })
}

// requireEachServedOnce sends requests of each kind from several clients and checks that
// each reaches the target once.
func requireEachServedOnce(t *testing.T, list []Target, served *atomic.Int64, clients, each int) {
	for _, method := range []string{"GET", "DELETE", "PUT", "POST"} {
		for _, body := range []string{"", "body"} {
			g, _ := groupWithClock(t, Config{Targets: list})
			served.Store(0)
			var background sync.WaitGroup
			for range clients {
				background.Go(func() {
					for range each {
						if r := send(g, request(t, method, "/", body)); r.err != nil {
							t.Errorf("%s %q: %v", method, body, r.err)
						}
					}
				})
			}
			background.Wait()
			if n := served.Load(); n != int64(clients*each) {
				t.Errorf("%s %q: %d requests were served %d times", method, body, clients*each, n)
			}
		}
	}
}

func TestBytesAfterAResponseAreNeverTheNextResponse(t *testing.T) {
	t.Parallel()
	surplus := okResponse("EVIL") + "HTTP/1.1 200 OK\r\nContent-Length: 4"
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		serveRequests(c, r, func(req *http.Request) (string, bool) {
			if strings.HasPrefix(req.URL.Path, "/evil") {
				return okResponse(req.URL.Path) + surplus, true
			}
			return okResponse(req.URL.Path), true
		})
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	var background sync.WaitGroup
	for i := range 8 {
		background.Go(func() {
			for j := range 300 {
				path := fmt.Sprintf("/%d/%d", i, j)
				if i%2 == 0 {
					path = "/evil" + path
				}
				if r := get(t, g, path); r.err == nil && r.body != path {
					t.Errorf("%s: the response is %q", path, r.body)
				} else if r.err != nil {
					t.Errorf("%s: %v", path, r.err)
				}
			}
		})
	}
	background.Wait()
}
