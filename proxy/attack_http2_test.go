package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
)

// h2wire is a client's HTTP/2 connection, frame by frame.
type h2wire struct {
	s      *attackGateway
	conn   net.Conn
	frames *http2.Framer
	block  bytes.Buffer
	enc    *hpack.Encoder
}

func (s *attackGateway) dialH2() *h2wire {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	testkit.Must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	testkit.Must(s.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, http2.ClientPreface)
	testkit.Must(s.t, err)
	w := &h2wire{s: s, conn: conn, frames: http2.NewFramer(conn, conn)}
	w.frames.AllowIllegalWrites = true
	w.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.frames.MaxHeaderListSize = 1 << 20
	w.enc = hpack.NewEncoder(&w.block)
	testkit.Must(s.t, w.frames.WriteSettings())
	return w
}

// headers opens a stream with fields in pairs, as they are.
func (w *h2wire) headers(stream uint32, end bool, pairs ...string) {
	w.block.Reset()
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = w.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: w.s.tokens.Replace(pairs[i+1])})
	}
	_ = w.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: w.block.Bytes(), EndStream: end, EndHeaders: true})
}

// me are the fields of a GET as A.
func me(more ...string) []string {
	return append([]string{":method", "GET", ":scheme", "http", ":authority", "gw.test", ":path", "/api/me", "authorization", "Bearer @T_A"}, more...)
}

// outcome is how a stream ended.
type outcome struct {
	status int
	body   string
	broken bool // RST_STREAM, GOAWAY or a closed connection instead of an answer
}

// await reads frames until the stream has ended.
func (w *h2wire) await(stream uint32) (o outcome) {
	for {
		f, err := w.frames.ReadFrame()
		if err != nil {
			o.broken = true
			return o
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == stream && o.status == 0 {
				o.status, _ = strconv.Atoi(f.PseudoValue("status"))
			}
			if f.StreamID == stream && f.StreamEnded() {
				return o
			}
		case *http2.DataFrame:
			if f.StreamID == stream {
				o.body += string(f.Data())
			}
			if f.StreamID == stream && f.StreamEnded() {
				return o
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == stream {
				o.broken = true
				return o
			}
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				o.broken = true
				return o
			}
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = w.frames.WriteSettingsAck()
			}
		}
	}
}

// refusesH2: the stream ends in an error or in a 4xx, and the backend sees nothing.
func (s *attackGateway) refusesH2(what string, try func(*h2wire)) {
	s.t.Helper()
	w := s.dialH2()
	try(w)
	if o := w.await(1); !o.broken && (o.status < 400 || o.status > 499) {
		s.t.Errorf("%s: %+v", what, o)
	}
	s.untouched(what)
	s.othersUnharmed()
}

// passesH2 is passes for a stream.
func (s *attackGateway) passesH2(what, openid string, try func(*h2wire)) sent {
	s.t.Helper()
	defer s.backend.forget()
	w := s.dialH2()
	try(w)
	o := w.await(1)
	got := s.backend.requests()
	if o.status != 200 || len(got) != 1 {
		s.t.Fatalf("%s: %+v, and the backend was sent %.300q", what, o, got)
	}
	s.identified(got[0], openid)
	w.headers(3, true, ":method", "GET", ":scheme", "http", ":authority", "gw.test", ":path", "/api/own", "authorization", "Bearer @T_B")
	if next := w.await(3); !next.broken && next.body != "openid="+s.openB+" path=/api/own" {
		s.t.Errorf("%s: the next stream got %+v", what, next)
	}
	return got[0]
}

func TestHTTP2IsHeldToTheSameRules(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	row := func(id string, try func(*attackGateway)) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			try(a.gatewayWith(t, nil))
		})
	}
	open := func(pairs ...string) func(*h2wire) { return func(w *h2wire) { w.headers(1, true, pairs...) } }
	withBody := func(body string, pairs ...string) func(*h2wire) {
		return func(w *h2wire) {
			w.headers(1, false, pairs...)
			_ = w.frames.WriteData(1, true, []byte(body))
		}
	}
	echo := func(more ...string) []string {
		return append([]string{":method", "POST", ":scheme", "http", ":authority", "gw.test", ":path", "/api/echo", "authorization", "Bearer @T_A"}, more...)
	}

	row("HS-25", func(s *attackGateway) {
		for _, trailer := range []string{"x-openid", "x_openid", "authorization", ":path", "x-user-roles"} {
			for _, announced := range []bool{true, false} {
				var fields []string
				if announced {
					fields = []string{"trailer", trailer}
				}
				w := s.dialH2()
				w.headers(1, false, echo(fields...)...)
				_ = w.frames.WriteData(1, false, []byte("hello"))
				w.headers(1, true, trailer, "oEVIL")
				w.await(1)
				for _, q := range s.backend.requests() {
					s.identified(q, s.openA)
				}
				s.backend.forget()
			}
		}
		s.othersUnharmed()
	})
	row("HS-38", func(s *attackGateway) {
		s.passesH2("x_openid", s.openA, open(me("x_openid", "oEVIL")...))
		s.passesH2("x.openid", s.openA, open(me("x.openid", "oEVIL")...))
		s.passesH2("two x-openid", s.openA, open(me("x-openid", "oEVIL", "x-openid", "oEVIL")...))
		s.refusesH2("upper case", open(me("X-OpenID", "oEVIL")...))
		s.refusesH2("connection", open(me("connection", "x-openid")...))
	})
	row("PN-28", func(s *attackGateway) {
		for _, path := range []string{"api/admin/secret", "", "*", "//api/x", "/public/../api/admin", "/public/..%2fapi", "/public/x#y", "http://gw.test/public/x", "/public/x y", "/public/\x00"} {
			s.refusesH2(path, open(":method", "GET", ":scheme", "http", ":authority", "gw.test", ":path", path))
		}
	})
	row("HO-12", func(s *attackGateway) {
		q := s.passesH2("host beside :authority", s.openA, open(me("host", "admin.test")...))
		if strings.Contains(string(q), "admin.test") {
			s.t.Errorf("the other host came through: %q", q)
		}
		for _, authority := range []string{"gw.test, admin.test", "user@gw.test", "gw.test/x", "", "gw.test:abc"} {
			s.refusesH2(authority, open(":method", "GET", ":scheme", "http", ":authority", authority, ":path", "/public/x"))
		}
		s.refusesH2("no host at all", open(":method", "GET", ":scheme", "http", ":path", "/public/x"))
		s.refusesH2("two authorities", open(":method", "GET", ":scheme", "http", ":authority", "gw.test", ":authority", "admin.test", ":path", "/public/x"))
	})
	row("H2-01", func(s *attackGateway) {
		poison := "GET /poison HTTP/1.1\r\nHost: gw.test\r\n\r\n"
		s.refusesH2("CONNECT", withBody(poison, ":method", "CONNECT", ":authority", "gw.test"))
		s.refusesH2("CONNECT with a path", withBody(poison, ":method", "CONNECT", ":scheme", "http", ":authority", "gw.test", ":path", "/api/me"))
		s.refusesH2("extended CONNECT", withBody(poison, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":authority", "gw.test", ":path", "/ws", "authorization", "Bearer @T_A"))
		s.refusesH2("TRACE", open(":method", "TRACE", ":scheme", "http", ":authority", "gw.test", ":path", "/public/x"))
		for range 50 {
			s.othersUnharmed()
		}
	})
	row("H2-03", func(s *attackGateway) {
		q := s.passes(api("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), s.openA)
		for _, name := range []string{"Upgrade", "HTTP2-Settings", "Connection"} {
			if len(q.named(name)) != 0 {
				s.t.Errorf("%s came through", name)
			}
		}
		for _, upgrade := range []string{"h2", "TLS/1.0", "h2c, websocket", "WebSockets", "foo"} {
			if q := s.passes(api("Connection: Upgrade", "Upgrade: "+upgrade), s.openA); len(q.named("Upgrade")) != 0 {
				s.t.Errorf("Upgrade %s came through", upgrade)
			}
		}
	})
	row("H2-04", func(s *attackGateway) {
		s.refuses("PRI * HTTP/2.0\r\nHost: gw.test\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00", 9))
		s.refuses("PRI * HTTP/1.1\r\nHost: gw.test\r\n\r\n", 400, 405)
	})
	row("H2-06", func(s *attackGateway) {
		// First, since what is broken off below may reach the backend late.
		q := s.passesH2("no length", s.openA, withBody("hello", echo()...))
		if !slices.Equal(q.named("Transfer-Encoding"), []string{"chunked"}) || len(q.named("Content-Length")) != 0 {
			s.t.Errorf("the backend was sent %q", q)
		}
		s.refusesH2("chunked", withBody(chunkedBody, echo("transfer-encoding", "chunked")...))
		s.refusesH2("te: chunked", open(me("te", "chunked")...))
		s.refusesH2("two lengths", withBody("hello", echo("content-length", "5", "content-length", "6")...))
		for _, bad := range []string{"+5", "-5", "5 5", "0x5", "five"} {
			s.refusesH2("length "+bad, withBody("hello", echo("content-length", bad)...))
		}
		s.neverWhole("too much", withBody("hello", echo("content-length", "4")...))
		// With 0 the request is whole before its body comes, and may be answered.
		w := s.dialH2()
		withBody("GET /poison", echo("content-length", "0")...)(w)
		w.await(1)
		for _, q := range s.backend.requests() {
			if strings.Contains(string(q), "poison") {
				s.t.Errorf("the body of a request of length 0 was sent on: %q", q)
			}
		}
		s.backend.forget()
		s.neverWhole("too little", withBody("hello", echo("content-length", "100")...))
	})
	row("H2-07", func(s *attackGateway) {
		for _, value := range []string{"a\r\nx-openid: oEVIL", "a\nx-openid: oEVIL", "a\x00", "a\rb", "\x7f"} {
			s.refusesH2(value, open(me("x-foo", value)...))
		}
		for _, name := range []string{"x:foo", "x foo", "foo\r\nx-openid", ":foo", "", "x\x00", "foo: bar\r\nx-openid"} {
			s.refusesH2(name, open(me(name, "oEVIL")...))
		}
		for _, bad := range [][2]string{{":method", "GET /x HTTP/1.1\r\nX: y"}, {":path", "/x HTTP/1.1\r\nX-OpenID: oEVIL\r\n"}, {":authority", "gw.test\r\nX-OpenID: oEVIL"}, {":scheme", "http\r\n"}} {
			fields := me()
			fields[slices.Index(fields, bad[0])+1] = bad[1]
			s.refusesH2(bad[0], open(fields...))
		}
	})
	row("H2-09", func(s *attackGateway) {
		q := s.passesH2("crumbs", s.openA, open(me("cookie", "a=1", "cookie", "b=2")...))
		if !slices.Equal(q.named("Cookie"), []string{"a=1; b=2"}) {
			s.t.Errorf("Cookie %q", q.named("Cookie"))
		}
	})
	row("JW-31", func(s *attackGateway) { s.refusesH2("two tokens", open(me("authorization", "Bearer @T_B")...)) })
	row("SM-18", func(s *attackGateway) { s.refusesH2("expect", open(me("expect", "x")...)) })
	row("WS-06", func(s *attackGateway) { s.refusesH2("upgrade", open(me("upgrade", "websocket")...)) })
	row("DS-08", func(s *attackGateway) {
		c := attackConfig()
		c.Routes = []*proxy.Route{{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, MaxBody: 10, Cookies: proxy.CookiesPass, Upstream: group(s.t, upstream.Config{Name: "api"}, "http://"+s.backend.addr)}}
		s.gateway.Configure(c)
		w := s.dialH2()
		withBody(strings.Repeat("x", 100), echo("content-length", "100")...)(w)
		if o := w.await(1); o.status != 413 {
			s.t.Errorf("told beforehand: %+v", o)
		}
		w = s.dialH2()
		withBody(strings.Repeat("x", 100), echo()...)(w)
		if o := w.await(1); o.status != 413 {
			s.t.Errorf("not told: %+v", o)
		}
	})
	row("H2-10", func(s *attackGateway) {
		before := memory()
		w := s.dialH2()
		go io.Copy(io.Discard, w.conn)
		for i := range uint32(5000) {
			w.headers(2*i+1, true, me()...)
			if w.frames.WriteRSTStream(2*i+1, http2.ErrCodeCancel) != nil {
				break
			}
		}
		s.backend.mu.Lock()
		reached := len(s.backend.got)
		s.backend.mu.Unlock()
		if grown := memory() - before; grown > 256<<20 {
			s.t.Errorf("memory grew by %d MiB", grown>>20)
		}
		s.t.Logf("%d of 5000 reached the backend", reached)
		s.othersUnharmedSoon()
	})
	row("H2-12", func(s *attackGateway) {
		w := s.dialH2()
		w.block.Reset()
		_ = w.enc.WriteField(hpack.HeaderField{Name: "x-big", Value: strings.Repeat("a", 3900)})
		block := append([]byte(nil), w.block.Bytes()...)
		w.headers(1, true, me()...)
		w.await(1)
		block = append(block, bytes.Repeat([]byte{0x80 | 62}, 10000)...) // the first of the dynamic table
		_ = w.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block, EndStream: true, EndHeaders: true})
		if o := w.await(3); !o.broken && (o.status < 400 || o.status > 499) {
			s.t.Errorf("%+v", o)
		}
		s.othersUnharmedSoon()
	})
	row("H2-13", func(s *attackGateway) {
		for name, frame := range map[string]func(*h2wire, uint32) error{
			"SETTINGS": func(w *h2wire, _ uint32) error { return w.frames.WriteSettings() },
			"PING":     func(w *h2wire, _ uint32) error { return w.frames.WritePing(false, [8]byte{}) },
			"PRIORITY": func(w *h2wire, i uint32) error { return w.frames.WritePriority(2*i+1, http2.PriorityParam{}) },
			"empty DATA": func(w *h2wire, i uint32) error {
				if i == 0 {
					w.headers(1, false, echo()...)
				}
				return w.frames.WriteData(1, false, nil)
			},
			"CONTINUATION": func(w *h2wire, i uint32) error {
				if i == 0 {
					w.block.Reset()
					_ = w.enc.WriteField(hpack.HeaderField{Name: "a", Value: "b"})
					return w.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.block.Bytes()})
				}
				return w.frames.WriteContinuation(1, false, w.block.Bytes())
			},
		} {
			w := s.dialH2()
			testkit.Must(s.t, w.conn.SetDeadline(time.Now().Add(3*time.Second)))
			go io.Copy(io.Discard, w.conn)
			for i := range uint32(20000) {
				if frame(w, i) != nil {
					break // the gateway has had enough
				}
			}
			s.othersUnharmedSoon()
			w.conn.Close()
			s.t.Log(name)
		}
	})
}

// neverWhole: a request whose body is not as long as it says is not taken for
// a whole one, and never sent on as two.
func (s *attackGateway) neverWhole(what string, try func(*h2wire)) {
	s.t.Helper()
	w := s.dialH2()
	try(w)
	if o := w.await(1); !o.broken && o.status < 400 {
		s.t.Errorf("%s: %+v", what, o)
	}
	for _, q := range s.backend.requests() {
		if _, body, _ := strings.Cut(string(q), "\r\n\r\n"); body != "" && !slices.Equal(q.named("Content-Length"), []string{"100"}) {
			s.t.Errorf("%s: the backend was sent %q", what, q)
		}
	}
	s.backend.forget()
}

// othersUnharmedSoon is othersUnharmed where what came before may still be
// on its way to the backend.
func (s *attackGateway) othersUnharmedSoon() {
	s.t.Helper()
	got, _ := s.ask(request("GET /api/own HTTP/1.1", "Host: gw.test", "@B"))
	if want := fmt.Sprintf("openid=%s path=/api/own", s.openB); got.Status != 200 || string(got.Body) != want {
		s.t.Errorf("another client got %d %q", got.Status, got.Body)
	}
}

func memory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
