package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/endpoint"
	"wxgate/proxy/upstream"
	"wxgate/session"
)

// The attack tests send and receive raw bytes. They check the gateway's response, what the
// backend received, and whether the next request on the same connection and a request of
// another client get their own responses. A subtest has the id of its row in
// docs/attacks.md.

// attackEnv is a testEnv with three users who are logged in. Each attack uses a gateway of
// its own.
type attackEnv struct {
	*testEnv
	openA, openB, openAdmin string
	tokens                  *strings.Replacer // replaces @A, @T_A, … in raw requests
	tokenA, tokenB          string
}

func newAttackEnv(t *testing.T) *attackEnv {
	t.Helper()
	a := &attackEnv{testEnv: newTestEnv(t, envConfig{}), openA: "oA-0123456789", openB: "oB-0123456789", openAdmin: "oADMIN-012345"}
	a.tokenA = a.openSession(session.Login{OpenID: a.openA, UserID: "42"})
	a.tokenB = a.openSession(session.Login{OpenID: a.openB})
	admin := a.openSession(session.Login{OpenID: a.openAdmin, Roles: []string{"admin"}})
	a.tokens = strings.NewReplacer(
		"@T_ADM", admin, "@T_A", a.tokenA, "@T_B", a.tokenB,
		"@ADM", "Authorization: Bearer "+admin, "@A", "Authorization: Bearer "+a.tokenA, "@B", "Authorization: Bearer "+a.tokenB)
	return a
}

// openSession opens a session without WeChat, so that a test can choose its user, roles
// and phone.
func (a *attackEnv) openSession(l session.Login) string {
	a.t.Helper()
	l.AppID, l.SessionKey = appID, "c2Vzc2lvbi1rZXktMDEyMw=="
	token, _, _, err := a.sessions.Login(a.t.Context(), l)
	testkit.Must(a.t, err)
	return token.Value.Reveal()
}

// attackGateway is a gateway in front of one recording backend.
type attackGateway struct {
	*attackEnv
	t       testing.TB
	backend *recorder
	gateway *proxy.Gateway
	addr    string
	logs    *testkit.Buffer
}

// newGateway starts a gateway with the sessions of a; change may be nil.
func (a *attackEnv) newGateway(t testing.TB, change func(*proxy.Config)) *attackGateway {
	t.Helper()
	s := &attackGateway{attackEnv: a, t: t, backend: newRecorder(t), logs: &testkit.Buffer{}}
	env := &testEnv{t: t, logs: s.logs}
	log := env.log(false)
	c := attackConfig()
	if change != nil {
		change(&c)
	}
	s.complete(c.Routes)
	s.gateway = proxy.New(proxy.Options{Sessions: a.sessions, WeChat: a.wechat, Metrics: proxy.NewMetrics(nil), Log: log, Now: time.Now}, c)
	env.gateway = s.gateway
	env.listen(c.MaxHeader, log)
	s.addr = env.addr
	return s
}

// complete sets the recorder as the backend of routes without one, and their cookie mode.
func (s *attackGateway) complete(routes []*proxy.Route) {
	for _, rt := range routes {
		if rt.Upstream == nil {
			rt.Upstream = group(s.t, upstream.Config{Name: rt.Name, PreserveHost: rt.PreserveHost, Timeout: 5 * time.Second}, "http://"+s.backend.addr)
		}
		if rt.Cookies == "" {
			rt.Cookies = proxy.CookiesPass
		}
	}
}

// setRoutes replaces the routes of the running gateway.
func (s *attackGateway) setRoutes(routes ...*proxy.Route) {
	s.complete(routes)
	c := attackConfig()
	c.Routes = routes
	s.gateway.Configure(c)
}

func attackConfig() proxy.Config {
	return proxy.Config{
		Endpoints: endpoint.Config{Prefix: "/auth", Apps: []string{appID}}, Routes: defaultRoutes(), MaxHeader: 32 << 10, LogAccess: true,
		Identity: proxy.IdentityHeaders{OpenID: "X-OpenID", UnionID: "X-UnionID", AppID: "X-AppID", UserID: "X-User-ID", Roles: "X-User-Roles"},
	}
}

// withRoutes replaces the routes of an attackGateway.
func withRoutes(routes ...*proxy.Route) func(*proxy.Config) {
	return func(c *proxy.Config) { c.Routes = routes }
}

// closeAfterResponse at the end of a recorder's response makes it close the connection.
const closeAfterResponse = "\x00close"

// recorder is a backend that records the bytes of each request.
type recorder struct {
	addr string

	mu       sync.Mutex
	received []backendRequest
	respond  func(backendRequest) string // nil: defaultResponse; returns "" to close the connection
}

func newRecorder(t testing.TB) *recorder {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	r := &recorder{addr: ln.Addr().String()}
	var conns sync.Map
	t.Cleanup(func() {
		ln.Close()
		conns.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
	})
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Store(c, true)
			go r.serve(c)
		}
	}()
	return r
}

// respondWith makes the recorder respond to every request with the same bytes, except to
// paths that end in /own.
func (r *recorder) respondWith(raw string) {
	r.respondFunc(func(req backendRequest) string {
		if strings.HasSuffix(req.target(), "/own") {
			return defaultResponse(req)
		}
		return raw
	})
}

func (r *recorder) respondFunc(respond func(backendRequest) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.respond = respond
}

func (r *recorder) serve(c net.Conn) {
	defer c.Close()
	tee := &recordingReader{src: c}
	br := bufio.NewReader(tee)
	for {
		req, err := http.ReadRequest(br)
		if err == nil {
			_, err = io.Copy(io.Discard, req.Body)
		}
		q := backendRequest(tee.takeBytes())
		if err != nil && q == "" {
			return
		}
		response, last := strings.CutSuffix(r.record(q), closeAfterResponse)
		if err != nil || response == "" {
			return
		}
		if _, err := io.WriteString(c, response); err != nil || last {
			return
		}
	}
}

// record records a request and returns the response to it.
func (r *recorder) record(req backendRequest) string {
	r.mu.Lock()
	r.received = append(r.received, req)
	respond := r.respond
	r.mu.Unlock()
	if respond == nil {
		respond = defaultResponse
	}
	return respond(req)
}

func (r *recorder) requests() []backendRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = nil
}

// defaultResponse has the X-OpenID and the path that the backend received in its body.
func defaultResponse(req backendRequest) string {
	body := "openid=" + strings.Join(req.headerValues("X-OpenID"), "|") + " path=" + req.target()
	if strings.HasPrefix(string(req), "HEAD ") {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// recordingReader records what is read from src.
type recordingReader struct {
	src  io.Reader
	seen []byte
}

func (t *recordingReader) Read(p []byte) (int, error) {
	n, err := t.src.Read(p)
	t.seen = append(t.seen, p[:n]...)
	return n, err
}

func (t *recordingReader) takeBytes() string {
	s := string(t.seen)
	t.seen = nil
	return s
}

// backendRequest is one request as the backend received it.
type backendRequest string

func (req backendRequest) line() string {
	line, _, _ := strings.Cut(string(req), "\r\n")
	return line
}

func (req backendRequest) target() string {
	parts := strings.Split(req.line(), " ")
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}

// headerValues returns the values of all header and trailer lines that some backend could
// read as this name.
func (req backendRequest) headerValues(name string) []string {
	var values []string
	for line := range strings.SplitSeq(string(req), "\n") {
		if lineName, value, ok := strings.Cut(line, ":"); ok && cgiName(lineName) == cgiName(name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// cgiName is a header's name as a CGI program reads it.
func cgiName(name string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToLower(strings.TrimSpace(name)))
}

// request joins the lines of a request's head.
func request(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// rawConn is a client's connection.
type rawConn struct {
	s    *attackGateway
	conn net.Conn
	r    *bufio.Reader
}

func (s *attackGateway) dial() *rawConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	testkit.Must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	testkit.Must(s.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return &rawConn{s, conn, bufio.NewReader(conn)}
}

// send writes raw with @A, @B and @ADM replaced. The gateway may close the connection
// before it has read everything.
func (c *rawConn) send(raw string) { _, _ = io.WriteString(c.conn, c.s.tokens.Replace(raw)) }

// readResponse reads the response to a request with this method.
func (c *rawConn) readResponse(method string) (testkit.Response, error) {
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return testkit.Response{}, err
	}
	if res.Close { // ReadResponse removes Connection from the header
		res.Header.Set("Connection", "close")
	}
	return testkit.ReadResponse(res)
}

// closed reports whether the gateway has closed the connection.
func (c *rawConn) closed() bool {
	_, err := c.r.ReadByte()
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// roundTrip sends one request on a new connection.
func (s *attackGateway) roundTrip(raw string) (testkit.Response, *rawConn) {
	s.t.Helper()
	c := s.dial()
	go c.send(raw)
	method, _, _ := strings.Cut(raw, " ")
	res, err := c.readResponse(method)
	if err != nil {
		s.t.Fatalf("no response to %.200q: %v", raw, err)
	}
	return res, c
}

// expectOwnResponse sends a request as user B, and checks that it gets its own response.
func (c *rawConn) expectOwnResponse(when string) {
	c.s.t.Helper()
	c.send(request("GET /api/own HTTP/1.1", "Host: gw.test", "@B"))
	got, err := c.readResponse("GET")
	if want := "openid=" + c.s.openB + " path=/api/own"; err != nil || got.Status != 200 || string(got.Body) != want {
		c.s.t.Errorf("%.200q: the next request got %d %q, %v", when, got.Status, got.Body, err)
	}
}

// checkOtherClients checks that a request on a new connection gets its own response.
func (s *attackGateway) checkOtherClients() {
	s.t.Helper()
	s.dial().expectOwnResponse("another client")
}

// checkOtherClientsAndReset is checkOtherClients; it resets the recorder afterwards.
func (s *attackGateway) checkOtherClientsAndReset() {
	s.t.Helper()
	s.checkOtherClients()
	s.backend.reset()
}

// expectRefused checks that the gateway responds with one of the statuses (default: 400)
// and closes the connection, and that the backend receives nothing.
func (s *attackGateway) expectRefused(raw string, statuses ...int) {
	s.t.Helper()
	if len(statuses) == 0 {
		statuses = []int{400}
	}
	res, c := s.roundTrip(raw)
	switch {
	case !slices.Contains(statuses, res.Status):
		s.t.Errorf("%.200q: status %d %s, not %v", raw, res.Status, res.Body, statuses)
	case res.Code() == "" || res.Header.Get("X-Request-Id") == "":
		s.t.Errorf("%.200q: the response is not marked as the gateway's: %v", raw, res.Header)
	case !c.closed():
		s.t.Errorf("%.200q: the connection stayed open", raw)
	}
	s.expectNotForwarded(raw)
	s.checkOtherClientsAndReset()
}

// expectError checks that the gateway responds with this error, and that the backend
// receives nothing. The connection may stay open: the request is well-formed.
func (s *attackGateway) expectError(raw string, status int, code string) {
	s.t.Helper()
	res, _ := s.roundTrip(raw)
	if res.Status != status || res.Code() != code {
		s.t.Errorf("%.200q: %d %s, not %d %s", raw, res.Status, res.Code(), status, code)
	}
	s.expectNotForwarded(raw)
}

// expectNotForwarded checks that the backend has received nothing.
func (s *attackGateway) expectNotForwarded(raw string) {
	s.t.Helper()
	if got := s.backend.requests(); len(got) != 0 {
		s.t.Errorf("%.200q: the backend received %.500q", raw, got)
		s.backend.reset()
	}
}

// expectForwarded checks that exactly one request reaches the backend, with this openid
// ("": none), and that the next request on the connection gets its own response.
func (s *attackGateway) expectForwarded(raw, openid string) backendRequest {
	s.t.Helper()
	defer s.backend.reset()
	s.backend.reset()
	res, c := s.roundTrip(raw)
	got := s.backend.requests()
	if len(got) != 1 || res.Status != 200 {
		s.t.Fatalf("%.200q: %d %s, and the backend received %d requests: %.500q", raw, res.Status, res.Body, len(got), got)
	}
	s.expectIdentity(got[0], openid)
	if strings.EqualFold(res.Header.Get("Connection"), "close") {
		return got[0]
	}
	c.expectOwnResponse("after " + raw)
	return got[0]
}

// expectIdentity checks that the request has X-OpenID exactly once, with this value, and
// nothing of what the client tried to smuggle in.
func (s *attackGateway) expectIdentity(req backendRequest, openid string) {
	s.t.Helper()
	want := []string{openid}
	if openid == "" {
		want = nil
	}
	if got := req.headerValues("X-OpenID"); !slices.Equal(got, want) {
		s.t.Errorf("the backend received openid %q, not %q, in %.600q", got, want, req)
	}
	for _, forbidden := range []string{"oEVIL", "Authorization:"} {
		if strings.Contains(string(req), forbidden) {
			s.t.Errorf("%s was forwarded: %.600q", forbidden, req)
		}
	}
}

// expectRefusedOrForwarded checks that the request is refused with 400, or forwarded with
// this identity.
func (s *attackGateway) expectRefusedOrForwarded(raw, openid string) {
	s.t.Helper()
	res, _ := s.roundTrip(raw)
	if res.Status == 400 {
		s.expectNotForwarded(raw)
		return
	}
	s.expectForwarded(raw, openid)
}

// runRow runs the requests of one row of docs/attacks.md on a gateway of its own.
func (a *attackEnv) runRow(t *testing.T, id string, raws []string, check func(*attackGateway, string)) {
	t.Run(id, func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, raw := range raws {
			s.backend.reset()
			check(s, raw)
		}
	})
}

// refused, forwardedAsA and forwardedAnonymously are checks for runRow.
func refused(s *attackGateway, raw string)              { s.expectRefused(raw) }
func forwardedAsA(s *attackGateway, raw string)         { s.expectForwarded(raw, s.openA) }
func forwardedAnonymously(s *attackGateway, raw string) { s.expectForwarded(raw, "") }
