package http1_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

func TestARequestIsSeenAsItWasSent(t *testing.T) {
	t.Parallel()
	got := make(chan receivedRequest, 10)
	s := start(t, func(w http.ResponseWriter, r *http.Request) { got <- received(r) }, nil)
	base := receivedRequest{Method: "GET", Target: "/", Proto: "HTTP/1.1", Host: "a.test", Path: "/", Header: http.Header{}}
	with := func(change func(*receivedRequest)) receivedRequest {
		req := base
		req.Header = http.Header{}
		change(&req)
		return req
	}
	for name, c := range map[string]struct {
		raw  string
		want receivedRequest
	}{
		"plain":            {get("/"), base},
		"empty line first": {"\r\n" + get("/"), base},
		"query":            {get("/a?b=c&d"), with(func(req *receivedRequest) { req.Target, req.Path, req.Query = "/a?b=c&d", "/a", "b=c&d" })},
		"escapes":          {get("/a%2Fb%20c"), with(func(req *receivedRequest) { req.Target, req.Path, req.RawPath = "/a%2Fb%20c", "/a/b c", "/a%2Fb%20c" })},
		"two slashes":      {get("//b/c"), with(func(req *receivedRequest) { req.Target, req.Path = "//b/c", "//b/c" })},
		"absolute": {"GET http://b.test:81/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n", with(func(req *receivedRequest) {
			req.Target, req.Host, req.Path, req.Query = "http://b.test:81/x?y", "b.test:81", "/x", "y"
		})},
		"absolute, bare": {"GET http://b.test HTTP/1.1\r\nHost: b.test\r\n\r\n", with(func(req *receivedRequest) { req.Target, req.Host = "http://b.test", "b.test" })},
		"asterisk":       {"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", with(func(req *receivedRequest) { req.Method, req.Target, req.Path = "OPTIONS", "*", "*" })},
		"connect": {"CONNECT b.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", with(func(req *receivedRequest) {
			req.Method, req.Target, req.Host, req.Path = "CONNECT", "b.test:443", "b.test:443", ""
		})},
		"connect, a path": {"CONNECT /x?y HTTP/1.1\r\nHost: a.test\r\n\r\n", with(func(req *receivedRequest) { req.Method, req.Target, req.Path, req.Query = "CONNECT", "/x?y", "/x", "y" })},
		"HTTP/1.0":        {"GET / HTTP/1.0\r\n\r\n", with(func(req *receivedRequest) { req.Proto, req.Host, req.Close = "HTTP/1.0", "", true })},
		"HTTP/1.0 kept": {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", with(func(req *receivedRequest) {
			req.Proto, req.Host, req.Header = "HTTP/1.0", "", http.Header{"Connection": {"Keep-Alive"}}
		})},
		"close":            {get("/", "Connection: x, close"), with(func(req *receivedRequest) { req.Close, req.Header = true, http.Header{"Connection": {"x, close"}} })},
		"repeated fields":  {get("/", "x-a: 1", "X-B:2", "X-A: \t 3 \t"), with(func(req *receivedRequest) { req.Header = http.Header{"X-A": {"1", "3"}, "X-B": {"2"}} })},
		"bytes of a value": {get("/", "X: \xe4\xbd\xa0\t\xff"), with(func(req *receivedRequest) { req.Header = http.Header{"X": {"\xe4\xbd\xa0\t\xff"}} })},
		"IPv6":             {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", with(func(req *receivedRequest) { req.Host = "[::1]:80" })},
		"length": {post("hello", "Content-Length: 5"), with(func(req *receivedRequest) {
			req.Method, req.Target, req.Path, req.Body, req.Length, req.Header = "POST", "/p", "/p", "hello", 5, http.Header{"Content-Length": {"5"}}
		})},
		"chunks": {post("5;a=\"b;\\\"c\";d\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n", "Transfer-Encoding: CHUNKED"), with(func(req *receivedRequest) {
			req.Method, req.Target, req.Path, req.Body, req.Length = "POST", "/p", "/p", "hello!", -1
		})},
		"trailers": {post("A\r\nhelloworld\r\n000\r\nX-Sum: 1\r\nx-more: 2\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X-Sum"), with(func(req *receivedRequest) {
			req.Method, req.Target, req.Path, req.Body, req.Length, req.Trailer = "POST", "/p", "/p", "helloworld", -1, http.Header{"X-Sum": {"1"}, "X-More": {"2"}}
		})},
		"large body": {post(strings.Repeat("x", 100000), "Content-Length: 100000"), with(func(req *receivedRequest) {
			req.Method, req.Target, req.Path, req.Body, req.Length, req.Header = "POST", "/p", "/p", strings.Repeat("x", 100000), 100000, http.Header{"Content-Length": {"100000"}}
		})},
		"large field": {get("/", "X: "+strings.Repeat("y", 60000)), with(func(req *receivedRequest) { req.Header = http.Header{"X": {strings.Repeat("y", 60000)}} })},
	} {
		t.Run(name, func(t *testing.T) {
			cl := s.dial().send(c.raw)
			if req := <-got; fmt.Sprintf("%#v", req) != fmt.Sprintf("%#v", c.want) {
				t.Errorf("receivedRequest\n%.1000v\nnot\n%.1000v", req, c.want)
			}
			if res := cl.mustNext(c.want.Method); res.StatusCode != 200 {
				t.Errorf("%d", res.StatusCode)
			}
		})
	}
}

// A client that signs its chunks, as uploads to object stores do, sends an extension with
// each of them: the limit grows with the data.
func TestALongBodyMayHaveAnExtensionInEachChunk(t *testing.T) {
	t.Parallel()
	got := make(chan receivedRequest, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) { got <- received(r) }, nil)
	const chunks, size = 200, 4 << 10
	chunk := fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", size, strings.Repeat("a", 64), strings.Repeat("x", size))
	s.dial().send(post(strings.Repeat(chunk, chunks)+"0\r\n\r\n", "Transfer-Encoding: chunked")).mustNext("POST")
	if req := <-got; req.Err || len(req.Body) != chunks*size {
		t.Errorf("%d bytes of %d were read, error: %v", len(req.Body), chunks*size, req.Err)
	}
}

func TestRequestMetadata(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprintln(w, r.RemoteAddr, local)
	}, nil)
	cl := s.dial().send(get("/"))
	want := fmt.Sprintln(cl.LocalAddr(), s.addr)
	if res := cl.mustNext("GET"); res.body != want {
		t.Errorf("%q, not %q", res.body, want)
	}
}

// The responses of handlers, byte for byte, without the Date field.
func TestResponsesOnTheWire(t *testing.T) {
	t.Parallel()
	const ok, close, chunked = "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", "Transfer-Encoding: chunked\r\n"
	set := func(w http.ResponseWriter, pairs ...string) {
		w.Header()["Content-Type"] = nil
		for i := 0; i < len(pairs); i += 2 {
			w.Header()[pairs[i]] = []string{pairs[i+1]}
		}
	}
	flush := func(w http.ResponseWriter) { testkit.Must(t, http.NewResponseController(w).Flush()) }
	for name, c := range map[string]struct {
		method string
		do     func(http.ResponseWriter, *http.Request)
		want   string
	}{
		"nothing": {"GET", func(w http.ResponseWriter, _ *http.Request) {}, ok + "Content-Length: 0\r\n\r\n"},
		"short":   {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w); io.WriteString(w, "hello") }, ok + "Content-Length: 5\r\n\r\nhello"},
		"length set": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Content-Length", "5")
			io.WriteString(w, "hello")
		}, ok + "Content-Length: 5\r\n\r\nhello"},
		"guessed type": {"GET", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, ok + "Content-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>"},
		"status": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w)
			w.WriteHeader(404)
			w.WriteHeader(200)
			io.WriteString(w, "no")
		}, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"},
		"unknown status":      {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) }, "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n"},
		"header set too late": {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w); w.WriteHeader(200); w.Header().Set("X", "late") }, ok + "Content-Length: 0\r\n\r\n"},
		"flushed": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w)
			io.WriteString(w, "hello")
			flush(w)
			io.WriteString(w, "!")
		}, ok + chunked + "\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"},
		"flushed first": {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w); flush(w) }, ok + chunked + "\r\n0\r\n\r\n"},
		"large": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w)
			io.WriteString(w, "a")
			w.Write([]byte(strings.Repeat("x", 5000)))
		}, ok + chunked + "\r\n1389\r\na" + strings.Repeat("x", 5000) + "\r\n0\r\n\r\n"},
		"large, length set": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Content-Length", "9000")
			w.Write([]byte(strings.Repeat("x", 4500)))
			w.Write([]byte(strings.Repeat("y", 4500)))
		}, ok + "Content-Length: 9000\r\n\r\n" + strings.Repeat("x", 4500) + strings.Repeat("y", 4500)},
		"HEAD":              {"HEAD", func(w http.ResponseWriter, _ *http.Request) { set(w); io.WriteString(w, "hello") }, ok + "Content-Length: 5\r\n\r\n"},
		"HEAD, length set":  {"HEAD", func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length", "77") }, ok + "Content-Length: 77\r\n\r\n"},
		"HEAD, nothing set": {"HEAD", func(w http.ResponseWriter, _ *http.Request) {}, ok + "\r\n"},
		"HEAD, flushed":     {"HEAD", func(w http.ResponseWriter, _ *http.Request) { set(w); flush(w); io.WriteString(w, "x") }, ok + "\r\n"},
		"204":               {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length", "0"); w.WriteHeader(204) }, "HTTP/1.1 204 No Content\r\n\r\n"},
		"304": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Content-Length", "5")
			w.WriteHeader(304)
			flush(w)
		}, "HTTP/1.1 304 Not Modified\r\n\r\n"},
		"handler's coding": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Transfer-Encoding", "gzip")
			io.WriteString(w, "x")
		}, ok + "Content-Length: 1\r\n\r\nx"},
		"broken length":      {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length", "+1"); io.WriteString(w, "x") }, ok + "Content-Length: 1\r\n\r\nx"},
		"response splitting": {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w, "X", "a\r\nY: b", "Bad Name", "x", "Z\r\nQ", "x") }, ok + "X: a  Y: b\r\nContent-Length: 0\r\n\r\n"},
		"early hints": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Link", "</a>")
			w.WriteHeader(103)
			w.Header().Del("Link")
		}, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n"},
		"declared trailer": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Trailer", "X-Sum")
			io.WriteString(w, "x")
			w.Header().Set("X-Sum", "1")
			w.Header().Set("X-Other", "2")
		}, ok + "Trailer: X-Sum\r\n" + chunked + "\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"},
		"prefixed trailer": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w)
			io.WriteString(w, "x")
			flush(w)
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		}, ok + chunked + "\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"},
		"prefixed from first": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, http.TrailerPrefix+"X-Sum", "1")
			io.WriteString(w, "x")
		}, ok + chunked + "\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"},
		"trailer of framing": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w)
			flush(w)
			w.Header().Set(http.TrailerPrefix+"Content-Length", "1")
		}, ok + chunked + "\r\n0\r\n\r\n"},
		"handler closes": {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w, "Connection", "close"); io.WriteString(w, "x") }, ok + "Content-Length: 1\r\n" + close + "\r\nx"},
		"too little":     {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length", "5"); io.WriteString(w, "x") }, ok + "Content-Length: 5\r\n" + close + "\r\nx"},
		"too much": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Content-Length", "1")
			io.WriteString(w, "x")
			if _, err := io.WriteString(w, "y"); err != http.ErrContentLength {
				t.Error(err)
			}
		}, ok + "Content-Length: 1\r\n\r\nx"},
		"taken back": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "X", "1", "Content-Length", "9")
			io.WriteString(w, "x")
			if !w.(interface{ Reset() bool }).Reset() {
				t.Error("it can't be taken back")
			}
			set(w)
			w.WriteHeader(502)
			io.WriteString(w, "!")
		}, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1\r\n\r\n!"},
		"not taken back": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w)
			flush(w)
			if u := w.(interface {
				Reset() bool
				Unsent() bool
			}); u.Unsent() || u.Reset() {
				t.Error("it was taken back")
			}
		}, ok + chunked + "\r\n0\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.do, nil)
			for range 2 {
				cl := s.dial().send(c.method + " / HTTP/1.1\r\nHost: a\r\n\r\n")
				a, err := cl.wire(c.want)
				if a != c.want {
					t.Errorf("on the wire\n%q\nnot\n%q, %v", a, c.want, err)
				}
				if strings.Contains(c.want, close) {
					if !cl.ended() {
						t.Error("the connection stayed open")
					}
					continue
				}
				cl.send(c.method + " / HTTP/1.1\r\nHost: a\r\n\r\n")
				if a, err := cl.wire(c.want); a != c.want {
					t.Errorf("the second time\n%q, %v", a, err)
				}
			}
		})
	}
}

// wire reads as much as is expected and a Date, which it leaves out.
func (c *client) wire(want string) (string, error) {
	const date = "Date: Thu, 27 Nov 2026 16:37:49 GMT\r\n"
	testkit.Must(c.t, c.SetReadDeadline(time.Now().Add(2*time.Second)))
	all := make([]byte, len(want)+len(date))
	n, err := io.ReadFull(c.r, all)
	before, after, _ := strings.Cut(string(all[:n]), "Date: ")
	return before + after[min(len(after), len(date)-len("Date: ")):], err
}

func TestConnectionPersistence(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/flush" {
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, "body")
	}, nil)
	for name, c := range map[string]struct {
		raw        string
		connection string
		lives      bool
	}{
		"1.1":                   {get("/"), "", true},
		"1.1 closing":           {get("/", "Connection: close"), "close", false},
		"1.0":                   {"GET / HTTP/1.0\r\n\r\n", "close", false},
		"1.0 kept":              {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", true},
		"1.0 kept, streamed":    {"GET /flush HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "close", false},
		"short body unread":     {post("hello", "Content-Length: 5"), "", true},
		"whole chunks unread":   {post("5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), "", true},
		"half of chunks unread": {post("5\r\nhello\r\n", "Transfer-Encoding: chunked"), "close", false},
		"large body unread":     {post("x", "Content-Length: 10000000"), "close", false},
		"100 never sent":        {post("", "Content-Length: 5", "Expect: 100-continue"), "close", false},
		"broken chunks unread":  {post("x\r\n", "Transfer-Encoding: chunked"), "close", false},
		"pipelined after close": {get("/", "Connection: close") + get("/"), "close", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl := s.dial().send(c.raw)
			res := cl.mustNext("GET")
			if reported := res.Header.Get("Connection"); res.Close && reported != "" || !res.Close && c.connection == "close" || c.connection == "keep-alive" && reported != "keep-alive" {
				t.Errorf("Connection: %s, close %t, not %s", reported, res.Close, c.connection)
			}
			if c.lives {
				if res := cl.send(get("/")).mustNext("GET"); res.body != "body" {
					t.Error(res.body)
				}
			} else if !cl.ended() {
				t.Error("the connection stayed open")
			}
		})
	}
}

func TestPipelinedRequestsAreServedInOrder(t *testing.T) {
	t.Parallel()
	for _, background := range []bool{false, true} {
		s := start(t, func(w http.ResponseWriter, r *http.Request) {
			if err := r.Context().Err(); err != nil {
				t.Error(err)
			}
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s", r.URL.Path, body)
		}, func(s *http1.Server) { s.BackgroundRead = background })
		var all strings.Builder
		for i := range 100 {
			switch i % 3 {
			case 0:
				all.WriteString(get(fmt.Sprint("/", i)))
			case 1:
				all.WriteString(head(fmt.Sprint("POST /", i, " HTTP/1.1"), "Host: a", "Content-Length: 5") + "hello")
			case 2:
				all.WriteString(head(fmt.Sprint("POST /", i, " HTTP/1.1"), "Host: a", "Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n")
			}
		}
		for _, cut := range []int{1, 7, 100, 5000, all.Len()} {
			cl := s.dial()
			go func() {
				for rest := all.String(); rest != ""; {
					n := min(cut, len(rest))
					if _, err := io.WriteString(cl, rest[:n]); err != nil {
						return
					}
					rest = rest[n:]
				}
			}()
			for i := range 100 {
				want := fmt.Sprintf("/%d hello", i)
				if i%3 == 0 {
					want = fmt.Sprintf("/%d ", i)
				}
				if res := cl.mustNext("GET"); res.body != want {
					t.Fatalf("in pieces of %d: response %d is %q", cut, i, res.body)
				}
			}
		}
	}
}

func TestContinueIsSentWhenTheBodyIsWanted(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v", body, err)
	}, nil)
	expecting := post("", "Content-Length: 5", "Expect: 100-Continue")
	cl := s.dial().send(expecting)
	if res := cl.mustNext("POST"); res.StatusCode != 100 {
		t.Fatal(res.StatusCode)
	}
	if res := cl.send("hello").mustNext("POST"); res.body != "hello <nil>" {
		t.Error(res.body)
	}
	if res := cl.send(expecting + "again").mustNext("POST"); res.StatusCode == 100 {
		cl.mustNext("POST")
	}
	if res := cl.send(head("POST / HTTP/1.0", "Content-Length: 5", "Expect: 100-continue") + "hello").mustNext("POST"); res.StatusCode != 200 {
		t.Errorf("the response to HTTP/1.0 has status %d", res.StatusCode)
	}
}

func TestAnAbortedResponseIsRecognizablyIncomplete(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		if r.URL.Path != "/sized" {
			w.Header().Del("Content-Length")
		}
		io.WriteString(w, "part")
		if r.URL.Path != "/unsent" {
			w.(http.Flusher).Flush()
			io.WriteString(w, "more")
		}
		panic(http.ErrAbortHandler)
	}, nil)
	if res := s.dial().send(get("/unsent")).mustNext("GET"); res.StatusCode != 502 || res.Header.Get("X-Refused") != "yes" || !res.Close {
		t.Errorf("of nothing sent: %d %v", res.StatusCode, res.Header)
	}
	for _, raw := range []string{get("/sized"), get("/chunked"), "GET /closed HTTP/1.0\r\n\r\n"} {
		res, err := s.dial().send(raw).next("GET")
		if err == nil || !strings.HasPrefix(res.body, "part") {
			t.Errorf("%.12s: %q, %v", raw, res.body, err)
		}
	}
}

func TestAPanicIsReportedAndClosesItsOwnConnection(t *testing.T) {
	t.Parallel()
	reported := make(chan any, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("oops")
		}
	}, func(s *http1.Server) { s.Panicked = func(v any) { reported <- v } })
	other := s.dial().send(get("/"))
	if res := s.dial().send(get("/panic")).mustNext("GET"); res.StatusCode != 502 || <-reported != "oops" {
		t.Error(res.StatusCode)
	}
	other.mustNext("GET")
	other.send(get("/")).mustNext("GET")
}

func TestHijackReturnsBufferedBytes(t *testing.T) {
	t.Parallel()
	for _, background := range []bool{false, true} {
		hijacked := make(chan net.Conn, 1)
		s := start(t, func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
				t.Error(err)
			}
			rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\n")
			rw.Flush()
			go func() {
				_, _ = io.Copy(conn, rw.Reader)
				_ = conn.(interface{ CloseWrite() error }).CloseWrite()
				hijacked <- conn
			}()
		}, func(s *http1.Server) { s.BackgroundRead = background; s.MaxConnections = 1 })
		cl := s.dial().send(get("/") + "early")
		cl.mustNext("GET")
		testkit.Eventually(t, "the server knows it no more", func() bool { return s.Shutdown(within(t, time.Second)) == nil })
		cl.send(" late")
		testkit.Must(t, cl.Conn.(*net.TCPConn).CloseWrite())
		if got := cl.rest(); got != "early late" {
			t.Errorf("%q", got)
		}
		if s.Connections() != 1 {
			t.Error("the slot is free")
		}
		(<-hijacked).Close()
		if s.Connections() != 0 {
			t.Error("the slot is not free")
		}
	}
}

func TestDeadlinesOfTheHandler(t *testing.T) {
	t.Parallel()
	written := make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		ctl := http.NewResponseController(w)
		testkit.Must(t, ctl.EnableFullDuplex())
		testkit.Must(t, ctl.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		_, err := io.ReadAll(r.Body)
		var timeout net.Error
		if r.ContentLength > 0 && (!errors.As(err, &timeout) || !timeout.Timeout()) {
			t.Errorf("a body that does not come: %v", err)
		}
		if r.URL.Path == "/write" {
			testkit.Must(t, ctl.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
			for err = nil; err == nil; {
				_, err = w.Write(make([]byte, 1<<20))
			}
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("a response that the client does not read: %v", err)
			}
			if r.Context().Err() == nil {
				t.Error("the context lives on")
			}
			close(written)
		}
	}, nil)
	cl := s.dial().send(get("/"))
	cl.mustNext("GET")
	time.Sleep(80 * time.Millisecond) // past the handler's deadline: it is over with the handler
	cl.send(get("/")).mustNext("GET")
	if res := s.dial().send(post("", "Content-Length: 5")).mustNext("POST"); res.StatusCode != 200 {
		t.Error(res.StatusCode)
	}
	s.dial().send(get("/write"))
	<-written
}

func TestAReadInProgressEndsWithTheHandler(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		body, begun := r.Body, make(chan struct{})
		go func() {
			close(begun)
			_, err := io.ReadAll(body)
			read <- err
		}()
		<-begun
		time.Sleep(20 * time.Millisecond)
	}, nil)
	res := s.dial().send(post("", "Content-Length: 1000000")).mustNext("POST")
	if err := <-read; err == nil || !res.Close {
		t.Errorf("%v, close %t", err, res.Close)
	}
}

func TestAHandlerThatEndsItsGoroutineEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := start(t, func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, nil)
	if !s.dial().send(get("/")).ended() {
		t.Error("the connection stayed open")
	}
	testkit.Eventually(t, "the slot is free", func() bool { return s.Connections() == 0 })
}

// A client that is still sending when the response arrives can read it.
func TestAnEarlyResponseIsNotLostToAReset(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(413) }, nil)
	for _, raw := range []string{post("", "Content-Length: 30000000"), post("1c9c380\r\n", "Transfer-Encoding: chunked"), post("", "Content-Length: 30000000", "Content-Length: 1")} {
		cl := s.dial().send(raw)
		piece := strings.Repeat("x", 1<<20)
		for range 28 {
			if _, err := io.WriteString(cl, piece); err != nil {
				t.Fatalf("%.60q: %v", raw, err)
			}
		}
		if res := cl.mustNext("POST"); res.StatusCode/100 != 4 || !res.Close {
			t.Errorf("%d, close %t", res.StatusCode, res.Close)
		}
	}
}
