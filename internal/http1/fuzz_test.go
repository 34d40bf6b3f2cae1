package http1_test

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"wxgate/internal/http1"
)

// FuzzAcceptedRequestsAgreeWithNetHTTP holds the server against net/http's:
// a request that this server passes to a handler, net/http passes too, with the same method,
// target, host, header, body and trailers.
func FuzzAcceptedRequestsAgreeWithNetHTTP(f *testing.F) {
	for _, c := range refused {
		if len(c.raw) < 4<<10 {
			f.Add(c.raw)
		}
	}
	for _, body := range brokenChunks {
		f.Add(post(body, "Transfer-Encoding: chunked"))
	}
	for _, raw := range realRequests {
		f.Add(raw)
	}
	for _, raw := range []string{
		get("/") + get("/2"), post("hello", "Content-Length: 5") + get("/2"), post("5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X, Y") + get("/2"),
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/2"), "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "GET http://a/%41?%zz HTTP/1.1\r\nHost: b\r\n\r\n",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if strings.HasPrefix(raw, "\r\n") || strings.Contains(raw, "\r\n\r\n\r\n") {
			t.Skip("net/http accepts an empty line before a request only after a POST")
		}
		ours := serveOurs(raw)
		if len(ours) == 0 {
			return
		}
		theirs := serveNetHTTP(raw, len(ours))
		if len(theirs) < len(ours) {
			t.Fatalf("net/http refuses what ours accepts: %d of %d requests\n%+v", len(theirs), len(ours), ours[len(theirs)])
		}
		for i := range ours {
			if a, b := normal(ours[i], ours[i].Err), normal(theirs[i], ours[i].Err); a != b {
				t.Fatalf("request %d is read\n%s\nby net/http as\n%s", i, a, b)
			}
		}
	})
}

// normal writes a request down without what is known to differ.
func normal(req receivedRequest, broken bool) string {
	if strings.Contains(req.Target, "://") && req.Path == "" {
		req.Path = "/" // an absolute target without a path
	}
	if p := req.Header["Pragma"]; len(p) > 0 && p[0] == "no-cache" && req.Header["Cache-Control"] == nil {
		req.Header["Cache-Control"] = []string{"no-cache"} // which net/http makes up
	}
	if broken {
		req.Body, req.Trailer = "", nil
	}
	req.Err = false
	var b strings.Builder
	for _, h := range []http.Header{req.Header, req.Trailer} {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			fmt.Fprintf(&b, "%q: %q\n", name, h[name])
		}
		b.WriteString("\n")
	}
	req.Header, req.Trailer = nil, nil
	return fmt.Sprintf("%q\n%s", fmt.Sprint(req), b.String())
}

func serveOurs(raw string) []receivedRequest {
	var all []receivedRequest
	conn := newMemConn(raw)
	ln := newOneConn(conn)
	s := &http1.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { all = append(all, received(r)) })}
	served := make(chan struct{})
	go func() { _ = s.Serve(ln); close(served) }()
	<-conn.closed
	ln.Close()
	<-served
	s.Close()
	return all
}

func serveNetHTTP(raw string, want int) (all []receivedRequest) {
	conn := newMemConn(raw)
	ln := newOneConn(conn)
	got := make(chan receivedRequest, 100)
	s := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got <- received(r) }),
		ErrorLog: log.New(io.Discard, "", 0), DisableGeneralOptionsHandler: true,
	}
	go s.Serve(ln)
	defer s.Close()
	for len(all) < want {
		select {
		case req := <-got:
			all = append(all, req)
		case <-conn.closed:
			for len(got) > 0 {
				all = append(all, <-got)
			}
			return all
		case <-time.After(2 * time.Second):
			return all
		}
	}
	return all
}
