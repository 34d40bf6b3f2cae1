package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/proxy"
)

// post is a POST as user A with these header lines and this body.
func post(body string, lines ...string) string {
	return request(append([]string{"POST /api/echo HTTP/1.1", "Host: gw.test", "@A"}, lines...)...) + body
}

const (
	chunkedBody = "5\r\nhello\r\n0\r\n\r\n"
	hidden      = "GET /api/admin/poison HTTP/1.1\r\nHost: gw.test\r\nX-OpenID: oEVIL\r\n\r\n"
)

func TestTransferEncodingIsStrict(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	te := func(values ...string) (raws []string) {
		for _, v := range values {
			raws = append(raws, post(chunkedBody, "Transfer-Encoding:"+v), post(chunkedBody, "Content-Length: 15", "Transfer-Encoding:"+v))
		}
		return raws
	}
	unknown := func(s *attackGateway, raw string) { s.expectRefused(raw, 400, 501) }
	a.runRow(t, "SM-02", []string{
		"POST /api/echo HTTP/1.1\r\nHost: gw.test\r\n@A\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n25\r\n" + strings.Repeat("G", 37) + "\r\n0\r\n\r\n",
		post("0\r\n\r\n"+hidden, "Content-Length: 4", "Transfer-Encoding: chunked"),
		post("0\r\n\r\n"+hidden, "Transfer-Encoding: chunked", "Content-Length: 100"),
	}, (*attackGateway).expectNoSmuggling)
	a.runRow(t, "SM-03", te(" xchunked", " chunked, identity", " identity", " gzip, chunked", " x, chunked", "", " ,chunked", " chunked,", " chunked chunked",
		" \"chunked\"", " chunked;q=1", "\x0bchunked", " chunke\x00d", " chunk", " identity, chunked", " chunked\x85"), unknown)
	a.runRow(t, "SM-05", []string{
		post(chunkedBody, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"), post(chunkedBody, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
		post(chunkedBody, "transfer-encoding: chunked", "Transfer-encoding: x"), post(chunkedBody, "Transfer-Encoding : chunked"), post(chunkedBody, "Transfer-Encoding\t: chunked")}, refused)
	a.runRow(t, "SM-06", []string{post(chunkedBody, "Transfer-Encoding:\r\n chunked"), post(chunkedBody, "Transfer-Encoding: \r\n\tchunked"), post("hello", "Content-Length:\r\n 5")},
		(*attackGateway).expectNoSmuggling)
}

func TestContentLengthIsStrict(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.runRow(t, "SM-08", []string{post("hellox", "Content-Length: 5", "Content-Length: 6"), post("hellox", "content-length: 6", "Content-Length: 5"),
		post("hello", "Content-Length: +5"), post("hello", "Content-Length: -5"), post("hello", "Content-Length: 0x5"), post("hello", "Content-Length: 5 5"),
		post("hello", "Content-Length: 5\x00"), post("hello", "Content-Length: 99999999999999999999"), post("hello", "Content-Length: ५"), post("hello", "Content-Length: 5_0"), post("hello", "Content-Length: 5e0"),
		post("hello", "Content-Length : 5"), post("hello", "Content-Length: 5;")}, refused)
	a.runRow(t, "SM-09", []string{post("hello", "Content-Length: 5, 5"), post("hello", "Content-Length: 5, 6"), post("hello", "Content-Length: 5,5,5"), post("hello", "Content-Length: ,5"), post("hello", "Content-Length: 5", "Content-Length: 5")}, refused)
	t.Run("SM-11", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, line := range []string{"Content_Length: 50", "Transfer_Encoding: chunked", "Content.Length: 50", "Transfer.Encoding: chunked", "Content!Length: 50", "TRANSFER_ENCODING: chunked"} {
			name, _, _ := strings.Cut(line, ":")
			if req := s.expectForwarded(get("/public/x", line), ""); len(req.headerValues(name)) != 0 {
				t.Errorf("the backend received %q", req)
			}
			if req := s.expectForwarded(post("hello", "Content-Length: 5", line), a.openA); len(req.headerValues("Content-Length")) != 1 || len(req.headerValues("Transfer-Encoding")) != 0 {
				t.Errorf("the backend received %q", req)
			}
		}
	})
}

func TestChunksAreStrict(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	chunks := func(bodies ...string) (raws []string) {
		for _, body := range bodies {
			raws = append(raws, post(body+hidden, "Transfer-Encoding: chunked"))
		}
		return raws
	}
	a.runRow(t, "SM-12", chunks("5\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\n\r\n", "5;a\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n"), (*attackGateway).expectNoSmuggling)
	a.runRow(t, "SM-14", chunks("0x5\r\nhello\r\n0\r\n\r\n", "5_0\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "-1\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n",
		"FFFFFFFFFFFFFFFF1\r\nhello\r\n0\r\n\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n", "5\r\nhelloworld\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n",
		"5\x00\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nX: a\x00b\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nX: a\n\n", "5;\r\nhello\r\n00000\r\n\r\n"),
		(*attackGateway).expectNoSmuggling)
	t.Run("SM-15", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		c := s.dial()
		go func() {
			c.send(post("", "Transfer-Encoding: chunked"))
			chunk := "1;" + strings.Repeat("x", 4000) + "\r\na\r\n"
			for range 5000 {
				if _, err := io.WriteString(c.conn, chunk); err != nil {
					return
				}
			}
		}()
		got, err := c.readResponse("POST")
		if err != nil || got.Status != 400 || !c.closed() {
			t.Errorf("%d, %v", got.Status, err)
		}
	})
}

func TestBodiesAreNeverReadAsRequests(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("SM-17", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) {
			for _, rt := range c.Routes {
				rt.CORSOrigins = []string{"https://h5.test"}
			}
		})
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "DELETE", "POST"} {
			for _, path := range []string{"/nowhere", "/auth/session", "/auth/login", "/.well-known/jwks.json", "/api/me", "/api/../x"} {
				for _, framing := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(hidden), hidden), fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)} {
					s.expectOneResponse(method, method+" "+path+" HTTP/1.1\r\nHost: gw.test\r\nOrigin: https://h5.test\r\nAccess-Control-Request-Method: GET\r\n"+framing)
				}
			}
		}
	})
	a.runRow(t, "SM-18", []string{
		post(strings.Repeat("x", 30), "Expect: y 100-continue", "Content-Length: 30"), post(strings.Repeat("x", 30), "Expect: 100-continue, x", "Content-Length: 30"),
		post(strings.Repeat("x", 30), "Expect: 100-Continue", "Expect: x", "Content-Length: 30"), post(strings.Repeat("x", 30), "Expect: x", "Content-Length: 30"),
		post(strings.Repeat("x", 30), "Expect: 200-ok", "Content-Length: 30"), post(strings.Repeat("x", 30), "Expect: 100-continue;q=1", "Content-Length: 30"),
		post(strings.Repeat("x", 30), "Expect: 100-continue 100-continue", "Content-Length: 30"), get("/public/x", "Expect: x"), get("/public/x", "Expect: 100-continue, 100-continue"),
	}, func(s *attackGateway, raw string) { s.expectRefused(raw, 417) })
	t.Run("SM-18 valid", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, expect := range []string{"Expect: 100-continue", "Expect:100-continue", "Expect: 100-Continue"} {
			c := s.dial()
			c.send(post("hello", expect, "Content-Length: 5"))
			got, err := c.readResponse("POST")
			if got.Status == 100 {
				got, err = c.readResponse("POST")
			}
			if err != nil || got.Status != 200 {
				t.Errorf("%q: %d, %v", expect, got.Status, err)
			}
		}
	})
}

func TestRequestLineIsStrict(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	version := func(versions ...string) (raws []string) {
		for _, v := range versions {
			raws = append(raws, "GET /public/x"+v+"\r\nHost: gw.test\r\n\r\n")
		}
		return raws
	}
	a.runRow(t, "SM-20", version("", " HTTP/0.9", " HTTP/1.2", " HTTP/1.9", " HTTP/2.0", " HTTP/3.0", " HTTP/1.1x", " http/1.1", " HTTP/01.1", " HTTP/1.10", " HTTP/1", " HTTP/1.", " HTTP/+1.1", " HTTPS/1.1", " HTTP/1.1 x", " HTTP /1.1", " ICY/1.1"), func(s *attackGateway, raw string) { s.expectRefused(raw, 400, 505) })
	a.runRow(t, "SM-21", []string{"GET  /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", "GET\t/public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", "GET /public/x HTTP/1.1 \r\nHost: gw.test\r\n\r\n",
		"GET /public/\x00 HTTP/1.1\r\nHost: gw.test\r\n\r\n", "GET /public/\x7f HTTP/1.1\r\nHost: gw.test\r\n\r\n", " GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", "GET /public/x y HTTP/1.1\r\nHost: gw.test\r\n\r\n",
		"GET /public/x\tHTTP/1.1\r\nHost: gw.test\r\n\r\n", strings.Repeat("\r\n", 100) + get("/public/x"), "\n" + get("/public/x"), "G\x00T /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n",
		"GET /public/\xff\xfe HTTP/1.1\r\nHost: gw.test\r\n\r\n", "GET\x0b/public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", ": /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"}, refused)
	// The cases of Http11Probe that have no row of their own in docs/attacks.md.
	a.runRow(t, "SM-23", []string{
		get("/public/x", " folded: first"), get("/public/x", "NoColon"), get("/public/x", "Bad Name: x"), get("/public/x", "X: a\x00b"), get("/public/x", "X: a\rb"), get("/public/x", "[X]: a"), get("/public/x", "(X): a"),
		get("/public/x", "X\x01: a"), "GET /public/x HTTP/1.1\r\n\r\n", "GET /public/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /public/x HTTP/1.1\r\nHost : gw.test\r\n\r\n", "GET /public/x HTTP/1.1\r\n Host: gw.test\r\n\r\n",
		"GET /public/x HTTP/1.1\rHost: gw.test\r\r", "CONNECT gw.test:443 HTTP/1.1\r\nHost: gw.test:443\r\n\r\n",
	}, func(s *attackGateway, raw string) { s.expectRefused(raw, 400, 405) })
}

func TestRangesAreForwarded(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.runRow(t, "SM-29", []string{api("Range: bytes=" + strings.Repeat("0-,", 1300) + "0-"), api("Range: bytes=0-1,5-6"), api("Range: nonsense")}, forwardedAsA)
}

// expectNoSmuggling checks that the bytes after the body never reach the backend as a
// request. As a request to the gateway they have no token.
func (s *attackGateway) expectNoSmuggling(raw string) {
	s.t.Helper()
	c := s.dial()
	c.send(raw)
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		got, err := c.readResponse(http.MethodPost)
		if err != nil {
			break
		}
		if got.Status >= 500 {
			s.t.Errorf("%.200q: %d", raw, got.Status)
		}
	}
	c.conn.Close()
	got := s.backend.requests()
	for _, req := range got {
		if !strings.HasPrefix(string(req), "POST /api/echo HTTP/1.1\r\n") || strings.Contains(req.line(), "poison") {
			s.t.Errorf("%.200q: the backend received %.300q", raw, req)
		}
		s.expectIdentity(req, s.openA)
	}
	if len(got) > 1 {
		s.t.Errorf("%.200q: %d requests reached the backend", raw, len(got))
	}
	s.checkOtherClientsAndReset()
}

// expectOneResponse checks that the body is not read as a request, and that the next
// request on the connection gets its own response.
func (s *attackGateway) expectOneResponse(method, raw string) {
	s.t.Helper()
	c := s.dial()
	c.send(raw)
	first, err := c.readResponse(method)
	if err != nil {
		s.t.Fatalf("%.60q: %v", raw, err)
	}
	if first.Header.Get("Connection") == "close" {
		if !c.closed() {
			s.t.Errorf("%.60q: the connection stayed open", raw)
		}
		return
	}
	c.expectOwnResponse("after " + raw)
	for _, req := range s.backend.requests() {
		if req.target() != "/api/own" {
			s.t.Errorf("%.60q: the backend received %.200q", raw, req)
		}
	}
	s.backend.reset()
}

func TestPipelinedRequestsKeepTheirOrderAndIdentity(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("SM-24", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		c := s.dial()
		var all strings.Builder
		var want []string
		for i := range 30 {
			switch i % 3 {
			case 0:
				all.WriteString(get(fmt.Sprint("/api/", i), "@A"))
				want = append(want, fmt.Sprintf("openid=%s path=/api/%d", a.openA, i))
			case 1:
				all.WriteString(get(fmt.Sprint("/public/", i), "@B", "X-OpenID: oEVIL"))
				want = append(want, fmt.Sprintf("openid= path=/public/%d", i))
			case 2:
				all.WriteString(get(fmt.Sprint("/optional/", i), "@B"))
				want = append(want, fmt.Sprintf("openid=%s path=/optional/%d", a.openB, i))
			}
		}
		go c.send(all.String())
		for i := range want {
			if got, err := c.readResponse("GET"); err != nil || string(got.Body) != want[i] {
				t.Fatalf("response %d is %q, %v, not %q", i, got.Body, err, want[i])
			}
		}
	})
}

// Packets may split requests anywhere, and hold parts of two requests.
func TestRequestsMayArriveInPieces(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("SM-24", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		whole := get("/api/1", "@A") + get("/public/2") + post("hello", "Content-Length: 5") + get("/api/4", "@B")
		for _, cut := range []int{1, 3, 7, 13, 40, 100} {
			c := s.dial()
			go func() {
				for rest := s.tokens.Replace(whole); rest != ""; {
					n := min(cut, len(rest))
					_, _ = io.WriteString(c.conn, rest[:n])
					rest = rest[n:]
				}
			}()
			for _, path := range []string{"/api/1", "/public/2", "/api/echo", "/api/4"} {
				if got, err := c.readResponse("GET"); err != nil || !strings.HasSuffix(string(got.Body), " path="+path) {
					t.Fatalf("in pieces of %d, %s got %d %q, %v", cut, path, got.Status, got.Body, err)
				}
			}
		}
		for _, second := range []string{get("/public/x"), get("/public/longer/path/than/that", "X-Long: "+strings.Repeat("a", 100))} {
			for at := 1; at+6 < len(second); at++ {
				c := s.dial()
				c.send(get("/public/first") + second[:at])
				if _, err := c.readResponse("GET"); err != nil {
					t.Fatal(err)
				}
				c.send(second[at : at+5])
				time.Sleep(time.Millisecond) // so that the rest arrives in a packet of its own
				c.send(second[at+5:])
				if got, err := c.readResponse("GET"); err != nil || got.Status != 200 {
					t.Fatalf("cut at %d: %d, %v", at, got.Status, err)
				}
			}
		}
	})
}

func TestMalformedResponsesDoNotAffectOtherRequests(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	const ok, evil = "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"
	for name, c := range map[string]struct {
		response string
		status   int // 0: any, with the connection aborted
	}{
		"SM-26 two lengths":                       {ok + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nhello", 502},
		"SM-26 length and chunks":                 {ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 0},
		"SM-26 body too short":                    {ok + "Content-Length: 50\r\n\r\nhello" + closeAfterResponse, 502},
		"SM-26 body too long":                     {ok + "Content-Length: 2\r\n\r\nok" + evil, 200},
		"SM-26 body of 204":                       {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello" + evil, 204},
		"SM-26 body of 304":                       {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello" + evil, 304},
		"SM-26 xchunked":                          {ok + "Transfer-Encoding: xchunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 502},
		"SM-26 bare CR":                           {ok + "X: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n", 502},
		"SM-26 NUL":                               {ok + "X: a\x00b\r\nContent-Length: 0\r\n\r\n", 502},
		"SM-26 10 MB of header":                   {ok + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 10_000) + "\r\n", 502},
		"SM-26 status 099":                        {"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", 502},
		"SM-26 status 0":                          {"HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n", 502},
		"SM-26 HTTP/0.9":                          {"<html>" + closeAfterResponse, 502},
		"SM-26 bad chunk":                         {ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\na\r\n0\r\n\r\n", 0},
		"SM-26 incomplete chunks":                 {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + closeAfterResponse, 0},
		"SM-27 thousand early hints":              {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1000) + ok + "Content-Length: 0\r\n\r\n", 502},
		"SM-27 unrequested switch":                {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + evil, 502},
		"SM-27 bare switch":                       {"HTTP/1.1 101 Switching Protocols\r\n\r\n", 502},
		"SM-27 100 after the response":            {ok + "Content-Length: 2\r\n\r\nokHTTP/1.1 100 Continue\r\n\r\n", 200},
		"SM-27 100 before the response":           {"HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nok", 200},
		"DS-21 status line of 1 MB":               {"HTTP/1.1 200 " + strings.Repeat("x", 2<<20) + "\r\n\r\n", 502},
		"DS-21 1,000,000 continuation lines":      {ok + "X: a\r\n" + strings.Repeat(" b\r\n", 1_000_000) + "\r\n", 502},
		"DS-14 connection closed within the body": {ok + "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 5000) + closeAfterResponse, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := a.newGateway(t, nil)
			s.backend.respondWith(c.response)
			for range 3 {
				conn := s.dial()
				conn.send(api())
				got, err := conn.readResponse("GET")
				for hints := 0; got.Status == 103 && err == nil; hints++ {
					if got, err = conn.readResponse("GET"); hints > 100 {
						t.Fatal("a hundred early hints was forwarded")
					}
				}
				if c.status != 0 && (err != nil || got.Status != c.status) {
					t.Errorf("%d %.100q, %v", got.Status, got.Body, err)
				}
				if c.status == 0 && err == nil && !strings.Contains(name, "length and chunks") {
					t.Errorf("an incomplete response was sent as a complete one: %d %q", got.Status, got.Body)
				}
				if strings.Contains(string(got.Body), "EVIL") || got.Header.Get("Set-Cookie") != "" {
					t.Errorf("%v %q", got.Header, got.Body)
				}
				if err == nil && got.Header.Get("Connection") != "close" {
					conn.expectOwnResponse("after " + name)
				}
				s.checkOtherClientsAndReset()
			}
		})
	}
}

// A body may contain the bytes of net/http's own error response, at any offset.
func TestBodyThatLooksLikeAServerErrorIsForwarded(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	serverError := "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	for name, body := range map[string]string{"alone": serverError, "after 9 bytes": "123456789" + serverError[9:], "at a buffer's end": strings.Repeat("x", 4096) + serverError, "at a large buffer's end": strings.Repeat("x", 32<<10) + serverError} {
		for how, response := range map[string]string{
			"sized":    fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
			"streamed": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
			"chunked":  fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				s := a.newGateway(t, nil)
				s.backend.respondFunc(func(backendRequest) string { return response })
				for _, version := range []string{"1.1", "1.0"} {
					c := s.dial()
					c.send("GET /public/x HTTP/" + version + "\r\nHost: gw.test\r\n\r\n")
					if got, err := c.readResponse("GET"); err != nil || string(got.Body) != body {
						t.Errorf("HTTP/%s: %d %d bytes, %v", version, got.Status, len(got.Body), err)
					}
				}
			})
		}
	}
}
