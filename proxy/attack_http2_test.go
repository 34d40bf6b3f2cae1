package proxy_test

import (
	"bytes"
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

// h2Conn is a client's HTTP/2 connection on which a test writes single frames.
type h2Conn struct {
	s      *attackGateway
	conn   net.Conn
	frames *http2.Framer
	block  bytes.Buffer
	enc    *hpack.Encoder
}

func (s *attackGateway) dialH2() *h2Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	testkit.Must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	testkit.Must(s.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, http2.ClientPreface)
	testkit.Must(s.t, err)
	w := &h2Conn{s: s, conn: conn, frames: http2.NewFramer(conn, conn)}
	w.frames.AllowIllegalWrites = true
	w.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.frames.MaxHeaderListSize = 1 << 20
	w.enc = hpack.NewEncoder(&w.block)
	testkit.Must(s.t, w.frames.WriteSettings())
	return w
}

// headers opens a stream with these fields, in pairs.
func (w *h2Conn) headers(stream uint32, end bool, pairs ...string) {
	w.block.Reset()
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = w.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: w.s.tokens.Replace(pairs[i+1])})
	}
	_ = w.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: w.block.Bytes(), EndStream: end, EndHeaders: true})
}

// h2Get returns the fields of a GET as user A.
func h2Get(more ...string) []string {
	return append([]string{":method", "GET", ":scheme", "http", ":authority", "gw.test", ":path", "/api/me", "authorization", "Bearer @T_A"}, more...)
}

// streamResult is the result of a stream.
type streamResult struct {
	status  int
	body    string
	aborted bool // RST_STREAM, GOAWAY or a closed connection in place of a response
}

// readStream reads frames until the stream has ended.
func (w *h2Conn) readStream(stream uint32) (o streamResult) {
	for {
		f, err := w.frames.ReadFrame()
		if err != nil {
			o.aborted = true
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
				o.aborted = true
				return o
			}
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				o.aborted = true
				return o
			}
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = w.frames.WriteSettingsAck()
			}
		}
	}
}

// expectRefusedH2 checks that the stream ends with an error or a 4xx, and that the backend
// receives nothing.
func (s *attackGateway) expectRefusedH2(what string, try func(*h2Conn)) {
	s.t.Helper()
	w := s.dialH2()
	try(w)
	if o := w.readStream(1); !o.aborted && (o.status < 400 || o.status > 499) {
		s.t.Errorf("%s: %+v", what, o)
	}
	s.expectNotForwarded(what)
	s.checkOtherClientsAndReset()
}

// expectForwardedH2 is expectForwarded for a stream.
func (s *attackGateway) expectForwardedH2(what, openid string, try func(*h2Conn)) backendRequest {
	s.t.Helper()
	defer s.backend.reset()
	w := s.dialH2()
	try(w)
	o := w.readStream(1)
	got := s.backend.requests()
	if o.status != 200 || len(got) != 1 {
		s.t.Fatalf("%s: %+v, and the backend received %.300q", what, o, got)
	}
	s.expectIdentity(got[0], openid)
	w.headers(3, true, ":method", "GET", ":scheme", "http", ":authority", "gw.test", ":path", "/api/own", "authorization", "Bearer @T_B")
	if next := w.readStream(3); !next.aborted && next.body != "openid="+s.openB+" path=/api/own" {
		s.t.Errorf("%s: the next stream got %+v", what, next)
	}
	return got[0]
}

// h2Row runs one row of docs/attacks.md on a gateway of its own.
func (a *attackEnv) h2Row(t *testing.T, id string, check func(*attackGateway)) {
	t.Run(id, func(t *testing.T) {
		t.Parallel()
		check(a.newGateway(t, nil))
	})
}

// h2Open sends a request without a body on stream 1.
func h2Open(pairs ...string) func(*h2Conn) { return func(w *h2Conn) { w.headers(1, true, pairs...) } }

// h2WithBody sends a request with a body on stream 1.
func h2WithBody(body string, pairs ...string) func(*h2Conn) {
	return func(w *h2Conn) {
		w.headers(1, false, pairs...)
		_ = w.frames.WriteData(1, true, []byte(body))
	}
}

// h2Post returns the fields of a POST as user A.
func h2Post(more ...string) []string {
	return append([]string{":method", "POST", ":scheme", "http", ":authority", "gw.test", ":path", "/api/echo", "authorization", "Bearer @T_A"}, more...)
}

func TestHTTP2ClientsCannotSpoofIdentity(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.h2Row(t, "HS-25", func(s *attackGateway) {
		for _, trailer := range []string{"x-openid", "x_openid", "authorization", ":path", "x-user-roles"} {
			for _, announced := range []bool{true, false} {
				var fields []string
				if announced {
					fields = []string{"trailer", trailer}
				}
				w := s.dialH2()
				w.headers(1, false, h2Post(fields...)...)
				_ = w.frames.WriteData(1, false, []byte("hello"))
				w.headers(1, true, trailer, "oEVIL")
				w.readStream(1)
				for _, req := range s.backend.requests() {
					s.expectIdentity(req, s.openA)
				}
				s.backend.reset()
			}
		}
		s.checkOtherClientsAndReset()
	})
	a.h2Row(t, "HS-38", func(s *attackGateway) {
		s.expectForwardedH2("x_openid", s.openA, h2Open(h2Get("x_openid", "oEVIL")...))
		s.expectForwardedH2("x.openid", s.openA, h2Open(h2Get("x.openid", "oEVIL")...))
		s.expectForwardedH2("two x-openid", s.openA, h2Open(h2Get("x-openid", "oEVIL", "x-openid", "oEVIL")...))
		s.expectRefusedH2("upper case", h2Open(h2Get("X-OpenID", "oEVIL")...))
		s.expectRefusedH2("connection", h2Open(h2Get("connection", "x-openid")...))
	})
	a.h2Row(t, "JW-31", func(s *attackGateway) {
		s.expectRefusedH2("two tokens", h2Open(h2Get("authorization", "Bearer @T_B")...))
	})
}

func TestHTTP2PathsAndHostsAreValidated(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.h2Row(t, "PN-28", func(s *attackGateway) {
		for _, path := range []string{"api/admin/secret", "", "*", "//api/x", "/public/../api/admin", "/public/..%2fapi", "/public/x#y", "http://gw.test/public/x", "/public/x y", "/public/\x00"} {
			s.expectRefusedH2(path, h2Open(":method", "GET", ":scheme", "http", ":authority", "gw.test", ":path", path))
		}
	})
	a.h2Row(t, "HO-12", func(s *attackGateway) {
		req := s.expectForwardedH2("host beside :authority", s.openA, h2Open(h2Get("host", "admin.test")...))
		if strings.Contains(string(req), "admin.test") {
			s.t.Errorf("the other host was forwarded: %q", req)
		}
		for _, authority := range []string{"gw.test, admin.test", "user@gw.test", "gw.test/x", "", "gw.test:abc"} {
			s.expectRefusedH2(authority, h2Open(":method", "GET", ":scheme", "http", ":authority", authority, ":path", "/public/x"))
		}
		s.expectRefusedH2("no host at all", h2Open(":method", "GET", ":scheme", "http", ":path", "/public/x"))
		s.expectRefusedH2("two authorities", h2Open(":method", "GET", ":scheme", "http", ":authority", "gw.test", ":authority", "admin.test", ":path", "/public/x"))
	})
}

func TestHTTP2CannotBeUpgradedOrTunneled(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.h2Row(t, "H2-01", func(s *attackGateway) {
		poison := "GET /poison HTTP/1.1\r\nHost: gw.test\r\n\r\n"
		s.expectRefusedH2("CONNECT", h2WithBody(poison, ":method", "CONNECT", ":authority", "gw.test"))
		s.expectRefusedH2("CONNECT with a path", h2WithBody(poison, ":method", "CONNECT", ":scheme", "http", ":authority", "gw.test", ":path", "/api/me"))
		s.expectRefusedH2("extended CONNECT", h2WithBody(poison, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":authority", "gw.test", ":path", "/ws", "authorization", "Bearer @T_A"))
		s.expectRefusedH2("TRACE", h2Open(":method", "TRACE", ":scheme", "http", ":authority", "gw.test", ":path", "/public/x"))
		for range 50 {
			s.checkOtherClientsAndReset()
		}
	})
	a.h2Row(t, "H2-03", func(s *attackGateway) {
		req := s.expectForwarded(api("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), s.openA)
		for _, name := range []string{"Upgrade", "HTTP2-Settings", "Connection"} {
			if len(req.headerValues(name)) != 0 {
				s.t.Errorf("%s was forwarded", name)
			}
		}
		for _, upgrade := range []string{"h2", "TLS/1.0", "h2c, websocket", "WebSockets", "foo"} {
			if req := s.expectForwarded(api("Connection: Upgrade", "Upgrade: "+upgrade), s.openA); len(req.headerValues("Upgrade")) != 0 {
				s.t.Errorf("Upgrade %s was forwarded", upgrade)
			}
		}
	})
	a.h2Row(t, "H2-04", func(s *attackGateway) {
		s.expectRefused("PRI * HTTP/2.0\r\nHost: gw.test\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00", 9))
		s.expectRefused("PRI * HTTP/1.1\r\nHost: gw.test\r\n\r\n", 400, 405)
	})
	a.h2Row(t, "WS-06", func(s *attackGateway) { s.expectRefusedH2("upgrade", h2Open(h2Get("upgrade", "websocket")...)) })
}

func TestHTTP2BodiesHaveTheirLength(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.h2Row(t, "H2-06", func(s *attackGateway) {
		// First, because the aborted requests below may reach the backend late.
		req := s.expectForwardedH2("no length", s.openA, h2WithBody("hello", h2Post()...))
		if !slices.Equal(req.headerValues("Transfer-Encoding"), []string{"chunked"}) || len(req.headerValues("Content-Length")) != 0 {
			s.t.Errorf("the backend received %q", req)
		}
		s.expectRefusedH2("chunked", h2WithBody(chunkedBody, h2Post("transfer-encoding", "chunked")...))
		s.expectRefusedH2("te: chunked", h2Open(h2Get("te", "chunked")...))
		s.expectRefusedH2("two lengths", h2WithBody("hello", h2Post("content-length", "5", "content-length", "6")...))
		for _, bad := range []string{"+5", "-5", "5 5", "0x5", "five"} {
			s.expectRefusedH2("length "+bad, h2WithBody("hello", h2Post("content-length", bad)...))
		}
		s.expectIncomplete("too much", h2WithBody("hello", h2Post("content-length", "4")...))
		// With a length of 0 the request is complete before its body arrives: a response is
		// allowed.
		w := s.dialH2()
		h2WithBody("GET /poison", h2Post("content-length", "0")...)(w)
		w.readStream(1)
		for _, req := range s.backend.requests() {
			if strings.Contains(string(req), "poison") {
				s.t.Errorf("the body of a request of length 0 was forwarded: %q", req)
			}
		}
		s.backend.reset()
		s.expectIncomplete("too little", h2WithBody("hello", h2Post("content-length", "100")...))
	})
	a.h2Row(t, "DS-08", func(s *attackGateway) {
		s.setRoutes(&proxy.Route{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, MaxBody: 10, Upstream: group(s.t, upstream.Config{Name: "api"}, "http://"+s.backend.addr)})
		w := s.dialH2()
		h2WithBody(strings.Repeat("x", 100), h2Post("content-length", "100")...)(w)
		if o := w.readStream(1); o.status != 413 {
			s.t.Errorf("with a length: %+v", o)
		}
		w = s.dialH2()
		h2WithBody(strings.Repeat("x", 100), h2Post()...)(w)
		if o := w.readStream(1); o.status != 413 {
			s.t.Errorf("without a length: %+v", o)
		}
	})
	a.h2Row(t, "SM-18", func(s *attackGateway) { s.expectRefusedH2("expect", h2Open(h2Get("expect", "x")...)) })
}

func TestHTTP2FieldsAreValidated(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.h2Row(t, "H2-07", func(s *attackGateway) {
		for _, value := range []string{"a\r\nx-openid: oEVIL", "a\nx-openid: oEVIL", "a\x00", "a\rb", "\x7f"} {
			s.expectRefusedH2(value, h2Open(h2Get("x-foo", value)...))
		}
		for _, name := range []string{"x:foo", "x foo", "foo\r\nx-openid", ":foo", "", "x\x00", "foo: bar\r\nx-openid"} {
			s.expectRefusedH2(name, h2Open(h2Get(name, "oEVIL")...))
		}
		for _, bad := range [][2]string{{":method", "GET /x HTTP/1.1\r\nX: y"}, {":path", "/x HTTP/1.1\r\nX-OpenID: oEVIL\r\n"}, {":authority", "gw.test\r\nX-OpenID: oEVIL"}, {":scheme", "http\r\n"}} {
			fields := h2Get()
			fields[slices.Index(fields, bad[0])+1] = bad[1]
			s.expectRefusedH2(bad[0], h2Open(fields...))
		}
	})
	a.h2Row(t, "H2-09", func(s *attackGateway) {
		req := s.expectForwardedH2("two cookie fields", s.openA, h2Open(h2Get("cookie", "a=1", "cookie", "b=2")...))
		if !slices.Equal(req.headerValues("Cookie"), []string{"a=1; b=2"}) {
			s.t.Errorf("Cookie %q", req.headerValues("Cookie"))
		}
	})
}

func TestHTTP2FloodsAreBounded(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.h2Row(t, "H2-10", func(s *attackGateway) {
		before := heapBytes()
		w := s.dialH2()
		go io.Copy(io.Discard, w.conn)
		for i := range uint32(5000) {
			w.headers(2*i+1, true, h2Get()...)
			if w.frames.WriteRSTStream(2*i+1, http2.ErrCodeCancel) != nil {
				break
			}
		}
		s.backend.mu.Lock()
		reached := len(s.backend.received)
		s.backend.mu.Unlock()
		if grown := heapBytes() - before; grown > 256<<20 {
			s.t.Errorf("memory grew by %d MiB", grown>>20)
		}
		s.t.Logf("%d of 5000 reached the backend", reached)
		s.checkOtherClients()
	})
	a.h2Row(t, "H2-12", func(s *attackGateway) {
		w := s.dialH2()
		w.block.Reset()
		_ = w.enc.WriteField(hpack.HeaderField{Name: "x-big", Value: strings.Repeat("a", 3900)})
		block := append([]byte(nil), w.block.Bytes()...)
		w.headers(1, true, h2Get()...)
		w.readStream(1)
		block = append(block, bytes.Repeat([]byte{0x80 | 62}, 10000)...) // the first entry of the dynamic table
		_ = w.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block, EndStream: true, EndHeaders: true})
		if o := w.readStream(3); !o.aborted && (o.status < 400 || o.status > 499) {
			s.t.Errorf("%+v", o)
		}
		s.checkOtherClients()
	})
	a.h2Row(t, "H2-13", func(s *attackGateway) {
		for name, frame := range map[string]func(*h2Conn, uint32) error{
			"SETTINGS": func(w *h2Conn, _ uint32) error { return w.frames.WriteSettings() },
			"PING":     func(w *h2Conn, _ uint32) error { return w.frames.WritePing(false, [8]byte{}) },
			"PRIORITY": func(w *h2Conn, i uint32) error { return w.frames.WritePriority(2*i+1, http2.PriorityParam{}) },
			"empty DATA": func(w *h2Conn, i uint32) error {
				if i == 0 {
					w.headers(1, false, h2Post()...)
				}
				return w.frames.WriteData(1, false, nil)
			},
			"CONTINUATION": func(w *h2Conn, i uint32) error {
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
					break // the gateway has closed the connection
				}
			}
			s.checkOtherClients()
			w.conn.Close()
			s.t.Log(name)
		}
	})
}

// expectIncomplete checks that a request whose body differs from its Content-Length is not
// forwarded as a complete request, and never as two.
func (s *attackGateway) expectIncomplete(what string, try func(*h2Conn)) {
	s.t.Helper()
	w := s.dialH2()
	try(w)
	if o := w.readStream(1); !o.aborted && o.status < 400 {
		s.t.Errorf("%s: %+v", what, o)
	}
	for _, req := range s.backend.requests() {
		if _, body, _ := strings.Cut(string(req), "\r\n\r\n"); body != "" && !slices.Equal(req.headerValues("Content-Length"), []string{"100"}) {
			s.t.Errorf("%s: the backend received %q", what, req)
		}
	}
	s.backend.reset()
}

func heapBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
