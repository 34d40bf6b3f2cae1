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

// The attack tests send raw bytes and look at raw bytes: what the gateway
// answers, what its backend was sent, and whether the next request on the same
// connection, and another client's, get their own answers. Each is named after
// the row of the catalogue of attacks that it stands for.

// attackEnv is a testEnv with three users who are logged in. Each attack has a gateway
// of its own in it.
type attackEnv struct {
	*testEnv
	openA, openB, openAdmin string
	tokens                  *strings.Replacer
	tokenA, tokenB          string
}

func newAttackEnv(t *testing.T) *attackEnv {
	t.Helper()
	a := &attackEnv{testEnv: newTestEnv(t, envConfig{}), openA: "oA-0123456789", openB: "oB-0123456789", openAdmin: "oADMIN-012345"}
	a.tokenA = a.enter(session.Login{OpenID: a.openA, UserID: "42"})
	a.tokenB = a.enter(session.Login{OpenID: a.openB})
	admin := a.enter(session.Login{OpenID: a.openAdmin, Roles: []string{"admin"}})
	a.tokens = strings.NewReplacer(
		"@T_ADM", admin, "@T_A", a.tokenA, "@T_B", a.tokenB,
		"@ADM", "Authorization: Bearer "+admin, "@A", "Authorization: Bearer "+a.tokenA, "@B", "Authorization: Bearer "+a.tokenB)
	return a
}

// enter opens a session past WeChat, so that a test may choose its facts.
func (a *attackEnv) enter(l session.Login) string {
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

// gatewayWith starts a gateway on the attackEnv's sessions; change may be nil.
func (a *attackEnv) gatewayWith(t testing.TB, change func(*proxy.Config)) *attackGateway {
	t.Helper()
	s := &attackGateway{attackEnv: a, t: t, backend: newRecorder(t), logs: &testkit.Buffer{}}
	env := &testEnv{t: t, logs: s.logs}
	log := env.log(false)
	c := attackConfig()
	if change != nil {
		change(&c)
	}
	for _, rt := range c.Routes {
		if rt.Upstream == nil {
			rt.Upstream = group(t, upstream.Config{Name: rt.Name, PreserveHost: rt.PreserveHost, Timeout: 5 * time.Second}, "http://"+s.backend.addr)
		}
		if rt.Cookies == "" {
			rt.Cookies = proxy.CookiesPass
		}
	}
	s.gateway = proxy.New(proxy.Options{Sessions: a.sessions, WeChat: a.wechat, Metrics: proxy.NewMetrics(nil), Log: log, Now: time.Now}, c)
	env.gateway = s.gateway
	env.listen(c.MaxHeader, log)
	s.addr = env.addr
	return s
}

func attackConfig() proxy.Config {
	return proxy.Config{
		Endpoints: endpoint.Config{Prefix: "/auth", Apps: []string{appID}}, Routes: usualRoutes(), MaxHeader: 32 << 10, LogAccess: true,
		Identity: proxy.Identity{OpenID: "X-OpenID", UnionID: "X-UnionID", AppID: "X-AppID", UserID: "X-User-ID", Roles: "X-User-Roles"},
	}
}

// routed gives an attackGateway other routes.
func routed(routes ...*proxy.Route) func(*proxy.Config) {
	return func(c *proxy.Config) { c.Routes = routes }
}

// hangUp at the end of a recorder's answer closes the connection behind it.
const hangUp = "\x00hang up"

// recorder is a backend that keeps the bytes it was sent, request by request.
type recorder struct {
	addr string

	mu     sync.Mutex
	got    []sent
	answer func(sent) string // nil: tells who asked for what; "": hangs up
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

// answers makes the recorder answer every request with the same bytes, those
// for a path ending in /own left out.
func (r *recorder) answers(raw string) {
	r.replies(func(q sent) string {
		if strings.HasSuffix(q.target(), "/own") {
			return usualAnswer(q)
		}
		return raw
	})
}

func (r *recorder) replies(answer func(sent) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *recorder) serve(c net.Conn) {
	defer c.Close()
	tap := &tap{src: c}
	br := bufio.NewReader(tap)
	for {
		req, err := http.ReadRequest(br)
		if err == nil {
			_, err = io.Copy(io.Discard, req.Body)
		}
		q := sent(tap.take())
		if err != nil && q == "" {
			return
		}
		reply, over := strings.CutSuffix(r.keep(q), hangUp)
		if err != nil || reply == "" {
			return
		}
		if _, err := io.WriteString(c, reply); err != nil || over {
			return
		}
	}
}

func (r *recorder) keep(q sent) string {
	r.mu.Lock()
	r.got = append(r.got, q)
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		answer = usualAnswer
	}
	return answer(q)
}

func (r *recorder) requests() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = nil
}

func usualAnswer(q sent) string {
	body := "openid=" + strings.Join(q.named("X-OpenID"), "|") + " path=" + q.target()
	if strings.HasPrefix(string(q), "HEAD ") {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// tap keeps what is read through it.
type tap struct {
	src  io.Reader
	seen []byte
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.src.Read(p)
	t.seen = append(t.seen, p[:n]...)
	return n, err
}

func (t *tap) take() string {
	s := string(t.seen)
	t.seen = nil
	return s
}

// sent is one request as it came to the backend.
type sent string

func (q sent) line() string {
	line, _, _ := strings.Cut(string(q), "\r\n")
	return line
}

func (q sent) target() string {
	parts := strings.Split(q.line(), " ")
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}

// named gives the values of all header and trailer lines that some backend
// could take for the name.
func (q sent) named(name string) []string {
	var values []string
	for line := range strings.SplitSeq(string(q), "\n") {
		if told, value, ok := strings.Cut(line, ":"); ok && fold(told) == fold(name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// fold is how CGI and its like read a header's name.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToLower(strings.TrimSpace(name)))
}

// request joins lines to a request's head.
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

// send writes raw with @A, @B and @ADM put in. The gateway may hang up before
// it has read all of it.
func (c *rawConn) send(raw string) { _, _ = io.WriteString(c.conn, c.s.tokens.Replace(raw)) }

// next reads the answer to a request with the method.
func (c *rawConn) next(method string) (testkit.Response, error) {
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return testkit.Response{}, err
	}
	if res.Close { // ReadResponse takes it out of the header
		res.Header.Set("Connection", "close")
	}
	return testkit.ReadResponse(res)
}

// closed reports whether the gateway has hung up.
func (c *rawConn) closed() bool {
	_, err := c.r.ReadByte()
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// ask sends one request on a connection of its own.
func (s *attackGateway) ask(raw string) (testkit.Response, *rawConn) {
	s.t.Helper()
	c := s.dial()
	go c.send(raw)
	method, _, _ := strings.Cut(raw, " ")
	a, err := c.next(method)
	if err != nil {
		s.t.Fatalf("no answer to %.200q: %v", raw, err)
	}
	return a, c
}

// othersUnharmed asks as B from elsewhere.
func (s *attackGateway) othersUnharmed() {
	s.t.Helper()
	defer s.backend.forget()
	a, _ := s.ask(request("GET /api/own HTTP/1.1", "Host: gw.test", "@B"))
	if want := "openid=" + s.openB + " path=/api/own"; a.Status != 200 || string(a.Body) != want {
		s.t.Errorf("another client got %d %q", a.Status, a.Body)
	}
}

// refuses: the gateway itself answers with one of the statuses (none: 400),
// hangs up, and the backend sees nothing of it.
func (s *attackGateway) refuses(raw string, statuses ...int) {
	s.t.Helper()
	if len(statuses) == 0 {
		statuses = []int{400}
	}
	a, c := s.ask(raw)
	switch {
	case !slices.Contains(statuses, a.Status):
		s.t.Errorf("%.200q: status %d %s, not %v", raw, a.Status, a.Body, statuses)
	case a.Code() == "" || a.Header.Get("X-Request-Id") == "":
		s.t.Errorf("%.200q: the answer is not marked as the gateway's: %v", raw, a.Header)
	case !c.closed():
		s.t.Errorf("%.200q: the connection stayed open", raw)
	}
	s.untouched(raw)
	s.othersUnharmed()
}

// denies is refuses where the connection may live on: for requests that are
// well-formed but not allowed.
func (s *attackGateway) denies(raw string, status int, code string) {
	s.t.Helper()
	a, _ := s.ask(raw)
	if a.Status != status || a.Code() != code {
		s.t.Errorf("%.200q: %d %s, not %d %s", raw, a.Status, a.Code(), status, code)
	}
	s.untouched(raw)
}

func (s *attackGateway) untouched(raw string) {
	s.t.Helper()
	if got := s.backend.requests(); len(got) != 0 {
		s.t.Errorf("%.200q: the backend was sent %.500q", raw, got)
		s.backend.forget()
	}
}

// passes: one request reaches the backend, with exactly this openid ("": none).
// The next ones on the same connection and from elsewhere get their own answers.
func (s *attackGateway) passes(raw, openid string) sent {
	s.t.Helper()
	defer s.backend.forget()
	s.backend.forget()
	a, c := s.ask(raw)
	got := s.backend.requests()
	if len(got) != 1 || a.Status != 200 {
		s.t.Fatalf("%.200q: %d %s, and the backend was sent %d requests: %.500q", raw, a.Status, a.Body, len(got), got)
	}
	s.identified(got[0], openid)
	if strings.EqualFold(a.Header.Get("Connection"), "close") {
		return got[0]
	}
	c.send(request("GET /api/own HTTP/1.1", "Host: gw.test", "@B"))
	after, err := c.next("GET")
	if want := "openid=" + s.openB + " path=/api/own"; err != nil || string(after.Body) != want {
		s.t.Errorf("%.200q: the next request got %d %q, %v", raw, after.Status, after.Body, err)
	}
	return got[0]
}

// identified: the request tells exactly this openid, once, and no other fact
// that the gateway did not state.
func (s *attackGateway) identified(q sent, openid string) {
	s.t.Helper()
	want := []string{openid}
	if openid == "" {
		want = nil
	}
	if told := q.named("X-OpenID"); !slices.Equal(told, want) {
		s.t.Errorf("the backend was told openid %q, not %q, in %.600q", told, want, q)
	}
	for _, lure := range []string{"oEVIL", "Authorization:"} {
		if strings.Contains(string(q), lure) {
			s.t.Errorf("%s came through: %.600q", lure, q)
		}
	}
}

// either: the request is refused whole, or passes with this identity alone.
func (s *attackGateway) either(raw, openid string) {
	s.t.Helper()
	a, _ := s.ask(raw)
	if a.Status == 400 {
		s.untouched(raw)
		return
	}
	s.passes(raw, openid)
}

// rows runs one attack in many forms, each on a gateway of its own.
func (a *attackEnv) rows(t *testing.T, id string, raws []string, try func(*attackGateway, string)) {
	t.Run(id, func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, nil)
		for _, raw := range raws {
			s.backend.forget()
			try(s, raw)
		}
	})
}
