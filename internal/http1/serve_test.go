package http1_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

func TestARequestIsSeenAsItWasSent(t *testing.T) {
	t.Parallel()
	got := make(chan seen, 10)
	s := start(t, func(w http.ResponseWriter, r *http.Request) { got <- see(r) }, nil)
	base := seen{Method: "GET", Target: "/", Proto: "HTTP/1.1", Host: "a.test", Path: "/", Header: http.Header{}}
	with := func(change func(*seen)) seen {
		q := base
		q.Header = http.Header{}
		change(&q)
		return q
	}
	for name, c := range map[string]struct {
		raw  string
		want seen
	}{
		"plain":            {get("/"), base},
		"empty line first": {"\r\n" + get("/"), base},
		"query":            {get("/a?b=c&d"), with(func(q *seen) { q.Target, q.Path, q.Query = "/a?b=c&d", "/a", "b=c&d" })},
		"escapes":          {get("/a%2Fb%20c"), with(func(q *seen) { q.Target, q.Path, q.RawPath = "/a%2Fb%20c", "/a/b c", "/a%2Fb%20c" })},
		"two slashes":      {get("//b/c"), with(func(q *seen) { q.Target, q.Path = "//b/c", "//b/c" })},
		"absolute":         {"GET http://b.test:81/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n", with(func(q *seen) { q.Target, q.Host, q.Path, q.Query = "http://b.test:81/x?y", "b.test:81", "/x", "y" })},
		"absolute, bare":   {"GET http://b.test HTTP/1.1\r\nHost: b.test\r\n\r\n", with(func(q *seen) { q.Target, q.Host = "http://b.test", "b.test" })},
		"asterisk":         {"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", with(func(q *seen) { q.Method, q.Target, q.Path = "OPTIONS", "*", "*" })},
		"connect":          {"CONNECT b.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", with(func(q *seen) { q.Method, q.Target, q.Host, q.Path = "CONNECT", "b.test:443", "b.test:443", "" })},
		"connect, a path":  {"CONNECT /x?y HTTP/1.1\r\nHost: a.test\r\n\r\n", with(func(q *seen) { q.Method, q.Target, q.Path, q.Query = "CONNECT", "/x?y", "/x", "y" })},
		"HTTP/1.0":         {"GET / HTTP/1.0\r\n\r\n", with(func(q *seen) { q.Proto, q.Host, q.Close = "HTTP/1.0", "", true })},
		"HTTP/1.0 kept":    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", with(func(q *seen) { q.Proto, q.Host, q.Header = "HTTP/1.0", "", http.Header{"Connection": {"Keep-Alive"}} })},
		"close":            {get("/", "Connection: x, close"), with(func(q *seen) { q.Close, q.Header = true, http.Header{"Connection": {"x, close"}} })},
		"repeated fields":  {get("/", "x-a: 1", "X-B:2", "X-A: \t 3 \t"), with(func(q *seen) { q.Header = http.Header{"X-A": {"1", "3"}, "X-B": {"2"}} })},
		"bytes of a value": {get("/", "X: \xe4\xbd\xa0\t\xff"), with(func(q *seen) { q.Header = http.Header{"X": {"\xe4\xbd\xa0\t\xff"}} })},
		"IPv6":             {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", with(func(q *seen) { q.Host = "[::1]:80" })},
		"length": {post("hello", "Content-Length: 5"), with(func(q *seen) {
			q.Method, q.Target, q.Path, q.Body, q.Length, q.Header = "POST", "/p", "/p", "hello", 5, http.Header{"Content-Length": {"5"}}
		})},
		"chunks": {post("5;a=\"b;\\\"c\";d\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n", "Transfer-Encoding: CHUNKED"), with(func(q *seen) { q.Method, q.Target, q.Path, q.Body, q.Length = "POST", "/p", "/p", "hello!", -1 })},
		"trailers": {post("A\r\nhelloworld\r\n000\r\nX-Sum: 1\r\nx-more: 2\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X-Sum"), with(func(q *seen) {
			q.Method, q.Target, q.Path, q.Body, q.Length, q.Trailer = "POST", "/p", "/p", "helloworld", -1, http.Header{"X-Sum": {"1"}, "X-More": {"2"}}
		})},
		"large body": {post(strings.Repeat("x", 100000), "Content-Length: 100000"), with(func(q *seen) {
			q.Method, q.Target, q.Path, q.Body, q.Length, q.Header = "POST", "/p", "/p", strings.Repeat("x", 100000), 100000, http.Header{"Content-Length": {"100000"}}
		})},
		"large field": {get("/", "X: "+strings.Repeat("y", 60000)), with(func(q *seen) { q.Header = http.Header{"X": {strings.Repeat("y", 60000)}} })},
	} {
		t.Run(name, func(t *testing.T) {
			cl := s.dial().send(c.raw)
			if q := <-got; fmt.Sprintf("%#v", q) != fmt.Sprintf("%#v", c.want) {
				t.Errorf("seen\n%.1000v\nnot\n%.1000v", q, c.want)
			}
			if a := cl.mustNext(c.want.Method); a.StatusCode != 200 {
				t.Errorf("%d", a.StatusCode)
			}
		})
	}
}

func TestWhatElseARequestTells(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprintln(w, r.RemoteAddr, local)
	}, nil)
	cl := s.dial().send(get("/"))
	want := fmt.Sprintln(cl.LocalAddr(), s.addr)
	if a := cl.mustNext("GET"); a.body != want {
		t.Errorf("%q, not %q", a.body, want)
	}
}

// answers are what handlers write, and what comes of it on the wire, the Date
// left out.
func TestAnswersOnTheWire(t *testing.T) {
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
		"length told": {"GET", func(w http.ResponseWriter, _ *http.Request) {
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
		"large, length told": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Content-Length", "9000")
			w.Write([]byte(strings.Repeat("x", 4500)))
			w.Write([]byte(strings.Repeat("y", 4500)))
		}, ok + "Content-Length: 9000\r\n\r\n" + strings.Repeat("x", 4500) + strings.Repeat("y", 4500)},
		"HEAD":               {"HEAD", func(w http.ResponseWriter, _ *http.Request) { set(w); io.WriteString(w, "hello") }, ok + "Content-Length: 5\r\n\r\n"},
		"HEAD, length told":  {"HEAD", func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length", "77") }, ok + "Content-Length: 77\r\n\r\n"},
		"HEAD, nothing told": {"HEAD", func(w http.ResponseWriter, _ *http.Request) {}, ok + "\r\n"},
		"HEAD, flushed":      {"HEAD", func(w http.ResponseWriter, _ *http.Request) { set(w); flush(w); io.WriteString(w, "x") }, ok + "\r\n"},
		"204":                {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length", "0"); w.WriteHeader(204) }, "HTTP/1.1 204 No Content\r\n\r\n"},
		"304": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Content-Length", "5")
			w.WriteHeader(304)
			flush(w)
		}, "HTTP/1.1 304 Not Modified\r\n\r\n"},
		"handler's coding": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			set(w, "Transfer-Encoding", "gzip")
			io.WriteString(w, "x")
		}, ok + "Content-Length: 1\r\n\r\nx"},
		"broken length": {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length", "+1"); io.WriteString(w, "x") }, ok + "Content-Length: 1\r\n\r\nx"},
		"split answer":  {"GET", func(w http.ResponseWriter, _ *http.Request) { set(w, "X", "a\r\nY: b", "Bad Name", "x", "Z\r\nQ", "x") }, ok + "X: a  Y: b\r\nContent-Length: 0\r\n\r\n"},
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

func TestConnectionsLiveOnAsTheyShould(t *testing.T) {
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
		"1.1":                    {get("/"), "", true},
		"1.1 closing":            {get("/", "Connection: close"), "close", false},
		"1.0":                    {"GET / HTTP/1.0\r\n\r\n", "close", false},
		"1.0 kept":               {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", true},
		"1.0 kept, streamed":     {"GET /flush HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "close", false},
		"short body unread":      {post("hello", "Content-Length: 5"), "", true},
		"whole chunks unread":    {post("5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), "", true},
		"half of chunks unread":  {post("5\r\nhello\r\n", "Transfer-Encoding: chunked"), "close", false},
		"large body unread":      {post("x", "Content-Length: 10000000"), "close", false},
		"100 never sent":         {post("", "Content-Length: 5", "Expect: 100-continue"), "close", false},
		"broken chunks unread":   {post("x\r\n", "Transfer-Encoding: chunked"), "close", false},
		"pipelined behind close": {get("/", "Connection: close") + get("/"), "close", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl := s.dial().send(c.raw)
			a := cl.mustNext("GET")
			if told := a.Header.Get("Connection"); a.Close && told != "" || !a.Close && c.connection == "close" || c.connection == "keep-alive" && told != "keep-alive" {
				t.Errorf("Connection: %s, close %t, not %s", told, a.Close, c.connection)
			}
			if c.lives {
				if a := cl.send(get("/")).mustNext("GET"); a.body != "body" {
					t.Error(a.body)
				}
			} else if !cl.ended() {
				t.Error("the connection stayed open")
			}
		})
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
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
				if a := cl.mustNext("GET"); a.body != want {
					t.Fatalf("in pieces of %d: answer %d is %q", cut, i, a.body)
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
	if a := cl.mustNext("POST"); a.StatusCode != 100 {
		t.Fatal(a.StatusCode)
	}
	if a := cl.send("hello").mustNext("POST"); a.body != "hello <nil>" {
		t.Error(a.body)
	}
	if a := cl.send(expecting + "again").mustNext("POST"); a.StatusCode == 100 {
		cl.mustNext("POST")
	}
	if a := cl.send(head("POST / HTTP/1.0", "Content-Length: 5", "Expect: 100-continue") + "hello").mustNext("POST"); a.StatusCode != 200 {
		t.Errorf("HTTP/1.0 was told %d", a.StatusCode)
	}
}

func TestABrokenOffAnswerIsNotTakenForAWholeOne(t *testing.T) {
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
	if a := s.dial().send(get("/unsent")).mustNext("GET"); a.StatusCode != 502 || a.Header.Get("X-Refused") != "yes" || !a.Close {
		t.Errorf("of nothing sent: %d %v", a.StatusCode, a.Header)
	}
	for _, raw := range []string{get("/sized"), get("/chunked"), "GET /closed HTTP/1.0\r\n\r\n"} {
		a, err := s.dial().send(raw).next("GET")
		if err == nil || !strings.HasPrefix(a.body, "part") {
			t.Errorf("%.12s: %q, %v", raw, a.body, err)
		}
	}
}

func TestAPanicIsToldAndEndsItsOwnConnection(t *testing.T) {
	t.Parallel()
	told := make(chan any, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("oops")
		}
	}, func(s *http1.Server) { s.Panicked = func(v any) { told <- v } })
	other := s.dial().send(get("/"))
	if a := s.dial().send(get("/panic")).mustNext("GET"); a.StatusCode != 502 || <-told != "oops" {
		t.Error(a.StatusCode)
	}
	other.mustNext("GET")
	other.send(get("/")).mustNext("GET")
}

func TestHijackedConnectionsAreGivenAwayWithWhatIsBuffered(t *testing.T) {
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

func TestAClientThatGoesAwayEndsTheContext(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*client){
		"closes":      func(c *client) { c.Close() },
		"half-closes": func(c *client) { testkit.Must(t, c.Conn.(*net.TCPConn).CloseWrite()) },
		"resets":      func(c *client) { testkit.Must(t, c.Conn.(*net.TCPConn).SetLinger(0)); c.Close() },
	} {
		for mode, raw := range map[string]string{
			"GET": get("/"), "body read": post("hello", "Content-Length: 5"), "behind pipelined bytes": get("/") + get("/next"), "background": get("/"), "background, body read": post("0\r\n\r\n", "Transfer-Encoding: chunked"),
		} {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel()
				entered, ended := make(chan struct{}, 2), make(chan error, 2)
				s := start(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.ReadAll(r.Body)
					derived, cancel := context.WithCancel(r.Context())
					defer cancel()
					entered <- struct{}{}
					<-derived.Done()
					ended <- r.Context().Err()
				}, func(s *http1.Server) { s.BackgroundRead = strings.HasPrefix(mode, "background") })
				cl := s.dial().send(raw)
				<-entered
				leave(cl)
				select {
				case err := <-ended:
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				case <-time.After(5 * time.Second):
					t.Error("the context lives on")
				}
			})
		}
	}
}

// A late sign that a client has gone ends nobody else's request.
func TestOnlyTheOwnRequestEnds(t *testing.T) {
	t.Parallel()
	var wrong, ended atomic.Int64
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		leaves := r.URL.Path == "/leaves"
		for range 3 {
			time.Sleep(100 * time.Microsecond)
			switch {
			case r.Context().Err() == nil:
			case leaves:
				ended.Add(1)
			default:
				wrong.Add(1)
			}
		}
	}, nil)
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 300 {
				conn, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, get("/leaves"))
				conn.Close()
			}
		}()
		go func() {
			defer func() { done <- struct{}{} }()
			cl := s.dial()
			for range 300 {
				if _, err := io.WriteString(cl, get("/stays")); err != nil {
					t.Error(err)
					return
				}
				if _, err := cl.next("GET"); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
	if wrong.Load() != 0 || ended.Load() == 0 {
		t.Errorf("%d requests of clients that stayed were ended, %d of others", wrong.Load(), ended.Load())
	}
}

func TestTheContextEndsWithTheHandlerAndDerivedOnesToo(t *testing.T) {
	t.Parallel()
	derived, ran := make(chan context.Context, 1), make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		child, cancel := context.WithTimeout(r.Context(), time.Hour)
		context.AfterFunc(child, cancel)
		derived <- child
		context.AfterFunc(r.Context(), func() { ran <- struct{}{} })
		if !context.AfterFunc(r.Context(), func() { t.Error("it was stopped") })() {
			t.Error("it could not be stopped")
		}
	}, nil)
	cl := s.dial()
	for range 3 {
		cl.send(get("/")).mustNext("GET")
		child := <-derived
		<-child.Done()
		<-ran
		if child.Err() != context.Canceled {
			t.Error(child.Err())
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
				t.Errorf("an answer that nobody reads: %v", err)
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
	if a := s.dial().send(post("", "Content-Length: 5")).mustNext("POST"); a.StatusCode != 200 {
		t.Error(a.StatusCode)
	}
	s.dial().send(get("/write"))
	<-written
}

func TestAReadUnderWayEndsWithTheHandler(t *testing.T) {
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
	a := s.dial().send(post("", "Content-Length: 1000000")).mustNext("POST")
	if err := <-read; err == nil || !a.Close {
		t.Errorf("%v, close %t", err, a.Close)
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

// A client that is still sending when the answer comes gets to read it.
func TestAnEarlyAnswerIsNotReset(t *testing.T) {
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
		if a := cl.mustNext("POST"); a.StatusCode/100 != 4 || !a.Close {
			t.Errorf("%d, close %t", a.StatusCode, a.Close)
		}
	}
}

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	s := start(t, func(http.ResponseWriter, *http.Request) {}, func(s *http1.Server) { s.MaxConnections = 2 })
	first, second := s.dial().send(get("/")), s.dial().send(get("/"))
	first.mustNext("GET")
	second.mustNext("GET")
	if a := s.dial().send(get("/")).mustNext("GET"); a.StatusCode != 503 || !a.Close || a.Header.Get("X-Refused") != "yes" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	first.Close()
	testkit.Eventually(t, "a slot is free", func() bool {
		a, err := s.dial().send(get("/")).next("GET")
		return err == nil && a.StatusCode == 200
	})
	second.send(get("/")).mustNext("GET")
}

// failing is a listener that runs out of descriptors.
type failing struct {
	net.Listener
	times atomic.Int64
}

func (l *failing) Accept() (net.Conn, error) {
	if l.times.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: errTooManyFiles}
	}
	return l.Listener.Accept()
}

func TestAWantOfDescriptorsEndsNothing(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	flaky := &failing{Listener: ln}
	flaky.times.Store(4)
	var pauses []time.Duration
	s := &http1.Server{Handler: http.NotFoundHandler(), AcceptError: func(err error, pause time.Duration) { pauses = append(pauses, pause) }}
	done := make(chan error, 1)
	go func() { done <- s.Serve(flaky) }()
	ts := &server{s, t, ln.Addr().String()}
	ts.dial().send(get("/")).mustNext("GET")
	testkit.Must(t, s.Shutdown(within(t, time.Second)))
	if err := <-done; err != http.ErrServerClosed {
		t.Error(err)
	}
	if want := []time.Duration{5e6, 10e6, 20e6, 40e6}; !slices.Equal(pauses, want) {
		t.Errorf("%v, not %v", pauses, want)
	}
	broken := &http1.Server{}
	flaky.Close()
	if err := broken.Serve(flaky); err == nil || err == http.ErrServerClosed {
		t.Errorf("a broken listener: %v", err)
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 10), make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-release
		}
		io.WriteString(w, "done")
	}, func(s *http1.Server) { s.DrainPause = 100 * time.Millisecond })
	slow, idle, fresh, speaks := s.dial().send(get("/slow")), s.dial().send(get("/")), s.dial(), s.dial().send(get("/"))
	<-entered
	idle.mustNext("GET")
	speaks.mustNext("GET")
	over := make(chan error, 1)
	go func() { over <- s.Shutdown(within(t, 10*time.Second)) }()
	testkit.Eventually(t, "no connection is taken", func() bool {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	for what, cl := range map[string]*client{"idle": speaks, "fresh": fresh} {
		if a := cl.send(get("/")).mustNext("GET"); a.body != "done" || !a.Close || !cl.ended() {
			t.Errorf("a request on a connection that was %s: %q, close %t", what, a.body, a.Close)
		}
	}
	if !idle.ended() {
		t.Error("an idle connection stayed open")
	}
	select {
	case err := <-over:
		t.Fatalf("it did not wait for the slow request: %v", err)
	default:
	}
	close(release)
	if a := slow.mustNext("GET"); a.body != "done" || !a.Close {
		t.Errorf("the slow one: %q, close %t", a.body, a.Close)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
}

func TestWhatIsLeftWhenShutdownsTimeIsOverIsAnswered(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{}, 10)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		if r.URL.Path == "/deaf" {
			<-t.Context().Done()
		}
		<-r.Context().Done()
		if err := r.Context().Err(); err != http1.ErrShutdown || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		w.WriteHeader(503)
	}, nil)
	cl, deaf := s.dial().send(get("/")), s.dial().send(get("/deaf"))
	<-entered
	<-entered
	if err := s.Shutdown(within(t, 50*time.Millisecond)); err != context.DeadlineExceeded {
		t.Error(err)
	}
	if a := cl.mustNext("GET"); a.StatusCode != 503 {
		t.Error(a.StatusCode)
	}
	if !deaf.ended() {
		t.Error("a handler that does not listen kept its connection")
	}
}

func TestDisableKeepAlives(t *testing.T) {
	t.Parallel()
	s := start(t, func(http.ResponseWriter, *http.Request) {}, nil)
	old := s.dial().send(get("/"))
	old.mustNext("GET")
	s.DisableKeepAlives()
	for _, cl := range []*client{old, s.dial()} {
		if a := cl.send(get("/")).mustNext("GET"); !a.Close || !cl.ended() {
			t.Error("the connection lives on")
		}
	}
}

// http2Server is what a caller hands HTTP/2 to.
func http2Server(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{Handler: h, Protocols: protocols}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	certificate := testkit.MustCertificate(t, testkit.CertificateOptions{Hosts: []string{"a.test", "127.0.0.1"}})
	h := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, " ", r.TLS != nil && r.TLS.HandshakeComplete, " ", string(body))
	}
	s := start(t, h, func(s *http1.Server) {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate.TLS()}, NextProtos: []string{"h2", "http/1.1"}}
		s.HTTP2 = http2Server(s.Handler)
		s.ReadHeaderTimeout = 500 * time.Millisecond
	})
	for _, protocols := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certificate.Pool()}, ForceAttemptHTTP2: protocols == "HTTP/2.0"}
		defer transport.CloseIdleConnections()
		for range 3 {
			for _, body := range []string{"", "x", strings.Repeat("y", 200000)} {
				req, _ := http.NewRequest("POST", "https://"+s.addr+"/", strings.NewReader(body))
				res, err := transport.RoundTrip(req)
				testkit.Must(t, err)
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if want := protocols + " true " + body; err != nil || string(got) != want {
					t.Errorf("%.100q, not %.100q, %v", got, want, err)
				}
			}
		}
	}
	if a := s.dial().send(get("/")).mustNext("GET"); a.StatusCode != 400 {
		t.Errorf("HTTP without TLS: %d", a.StatusCode)
	}
	began := time.Now()
	if cl := s.dial().send("\x16\x03\x01"); !cl.ended() || time.Since(began) > 5*time.Second {
		t.Error("a handshake that does not go on is waited for")
	}
	conn, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: certificate.Pool()})
	testkit.Must(t, err)
	defer conn.Close()
	cl := &client{conn, t, bufio.NewReader(conn)}
	if got := cl.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").mustNext("GET"); got.StatusCode != 505 {
		t.Errorf("a preface without ALPN: %d", got.StatusCode)
	}
	conn.Close()
	testkit.Eventually(t, "the slots are free", func() bool { return s.Connections() <= 6 })
}

func TestHTTP2ByItsPreface(t *testing.T) {
	t.Parallel()
	s := start(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, r.URL.Path) }, func(s *http1.Server) { s.HTTP2 = http2Server(s.Handler) })
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	for range 3 {
		res, err := transport.RoundTrip(&http.Request{Method: "GET", Header: http.Header{}, URL: &url.URL{Scheme: "http", Host: s.addr, Path: "/x"}})
		testkit.Must(t, err)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "HTTP/2.0/x" {
			t.Errorf("%q, %v", body, err)
		}
	}
	cl := s.dial()
	for _, piece := range []string{"PRI * HT", "TP/2.0\r\n\r", "\nSM\r\n\r", "\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"} {
		cl.send(piece)
		time.Sleep(5 * time.Millisecond)
	}
	frame := make([]byte, 9)
	if _, err := io.ReadFull(cl.r, frame); err != nil || frame[3] != 4 {
		t.Errorf("no SETTINGS: %v %v", frame, err)
	}
	if a := s.dial().send(get("/") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); a.mustNext("GET").StatusCode != 200 || a.mustNext("GET").StatusCode != 505 {
		t.Error("a preface behind a request")
	}
	cl.Close()
	transport.CloseIdleConnections()
	testkit.Eventually(t, "all slots are free", func() bool { return s.Connections() <= 1 })
	testkit.Must(t, s.Shutdown(within(t, 5*time.Second)))
}
