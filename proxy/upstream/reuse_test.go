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

// answerAll serves keep-alive requests, each with the answer that f gives, until f
// says to stop.
func answerAll(c net.Conn, r *bufio.Reader, f func(req *http.Request) (answer string, more bool)) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		answer, more := f(req)
		io.WriteString(c, answer)
		if !more {
			return
		}
	}
}

func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// Not parallel: a backend that is kept from closing for long can't be told
// from one that keeps its connections.
func TestTargetThatClosesAfterEachAnswerIsNoErrorToClients(t *testing.T) {
	var served atomic.Int64
	hangUp := func(c net.Conn, r *bufio.Reader) {
		answerAll(c, r, func(*http.Request) (string, bool) { served.Add(1); return ok("x"), false })
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := newAuthority(t)
	encrypted := targets(t, "https://"+acceptAll(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}), hangUp))
	encrypted[0].CAFile = ca.file
	t.Run("plain", func(t *testing.T) { allArriveOnce(t, targets(t, serveRaw(t, hangUp)), &served, 4, 50) })
	t.Run("TLS", func(t *testing.T) { allArriveOnce(t, encrypted, &served, 1, 10) })
}

// allArriveOnce has clients send requests of each kind, one after the other.
func allArriveOnce(t *testing.T, list []Target, served *atomic.Int64, clients, each int) {
	for _, method := range []string{"GET", "DELETE", "PUT", "POST"} {
		for _, body := range []string{"", "body"} {
			g, _ := group(t, Config{Targets: list})
			served.Store(0)
			var working sync.WaitGroup
			for range clients {
				working.Go(func() {
					for range each {
						if r := send(g, request(t, method, "/", body)); r.err != nil {
							t.Errorf("%s %q: %v", method, body, r.err)
						}
					}
				})
			}
			working.Wait()
			if n := served.Load(); n != int64(clients*each) {
				t.Errorf("%s %q: %d requests reached the target %d times", method, body, clients*each, n)
			}
		}
	}
}

func TestSurplusOfOneAnswerIsNeverTheNextOne(t *testing.T) {
	t.Parallel()
	evil := ok("EVIL") + "HTTP/1.1 200 OK\r\nContent-Length: 4"
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		answerAll(c, r, func(req *http.Request) (string, bool) {
			if strings.HasPrefix(req.URL.Path, "/evil") {
				return ok(req.URL.Path) + evil, true
			}
			return ok(req.URL.Path), true
		})
	})
	g, _ := group(t, Config{Targets: targets(t, u)})
	var working sync.WaitGroup
	for i := range 8 {
		working.Go(func() {
			for j := range 300 {
				path := fmt.Sprintf("/%d/%d", i, j)
				if i%2 == 0 {
					path = "/evil" + path
				}
				if r := get(t, g, path); r.err == nil && r.body != path {
					t.Errorf("%s was answered with %q", path, r.body)
				} else if r.err != nil {
					t.Errorf("%s: %v", path, r.err)
				}
			}
		})
	}
	working.Wait()
}
