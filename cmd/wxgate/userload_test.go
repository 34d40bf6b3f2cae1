package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"wxgate/internal/testkit"
	"wxgate/wechat/wechattest"
)

const (
	connectionsPerGateway = 8 // shared by all users
	maxViolations         = 10
	maxPause              = 700 * time.Millisecond // between two requests of a user
)

// userLoad is the users that send requests during a faultLoad. Each checks the responses
// of the backends and the gateways.
type userLoad struct {
	c       *faultLoad
	users   []*user
	clients []*http.Client // one for each gateway
	stop    context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	violations []string
	used       map[net.Conn]map[string]bool // the names of the users of each connection
}

// user is one user of a userLoad. mu guards the fields and is held during each request.
type user struct {
	*wechattest.User
	userLoad *userLoad
	requests atomic.Int64

	mu       sync.Mutex
	token    string
	cachedBy [2]bool // the gateways that have accepted the token
	over     bool    // the session was ended
	count    int
}

// startUsers starts n users, who log in first.
func (c *faultLoad) startUsers(n int) *userLoad {
	c.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	load := &userLoad{c: c, stop: stop, used: map[net.Conn]map[string]bool{}}
	for range c.gateways {
		load.clients = append(load.clients, &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			MaxConnsPerHost: connectionsPerGateway, MaxIdleConnsPerHost: connectionsPerGateway,
		}})
	}
	for k := range n {
		u := &user{User: c.user(appA, fmt.Sprintf("user-%d", k)), userLoad: load}
		load.users = append(load.users, u)
		load.running.Go(func() { u.run(ctx) })
	}
	c.t.Cleanup(load.stopUsers)
	return load
}

// stopUsers stops the users and waits for their last requests.
func (c *userLoad) stopUsers() {
	c.stop()
	c.running.Wait()
	for _, client := range c.clients {
		client.CloseIdleConnections()
	}
}

// awaitRequests waits until each user has sent two more requests.
func (c *userLoad) awaitRequests() {
	c.c.t.Helper()
	from := map[*user]int64{}
	for _, u := range c.users {
		from[u] = u.requests.Load()
	}
	for _, u := range c.users {
		testkit.Eventually(c.c.t, "further requests of "+u.Name, func() bool { return u.requests.Load() >= from[u]+2 })
	}
}

// endSessions ends the sessions of some users.
func (c *userLoad) endSessions(users []*user) {
	c.c.t.Helper()
	for n, u := range users {
		u.endSession(n % len(c.clients))
	}
}

// endSession makes every gateway cache the user's session, ends it at one of them, and
// checks that all refuse it within endLimit.
func (u *user) endSession(at int) {
	t := u.userLoad.c.t
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	for at := range u.userLoad.clients {
		testkit.Eventually(t, "a request of "+u.Name, func() bool { return u.call(at, "/api/") })
	}
	u.logOut(at)
	end := time.Now().Add(endLimit)
	for at := range u.userLoad.clients {
		testkit.Within(t, time.Until(end), "the session of "+u.Name+" is over", func() bool {
			return u.send(request{at: at, path: "/api/", token: u.token}).Code() == "session_ended"
		})
	}
}

// checkSessions checks, after the faults, that sessions that were not ended are
// accepted, that the others are refused, and that their users can log in again.
func (c *userLoad) checkSessions() {
	c.c.t.Helper()
	for _, u := range c.users {
		for at := range c.clients {
			if u.over {
				if r := u.send(request{at: at, path: "/api/", token: u.token}); r.Code() != "session_ended" {
					u.errorf("after the end of the session: %v", r)
				}
				u.logIn(at)
			}
			if !u.call(at, "/api/") {
				u.errorf("is refused after the faults")
			}
		}
	}
}

// report reports the violations.
func (c *userLoad) report() {
	c.c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.violations {
		c.c.t.Error(text)
	}
	maxUsers := 0
	for _, names := range c.used {
		maxUsers = max(maxUsers, len(names))
	}
	if maxUsers < connectionsPerGateway {
		c.c.t.Errorf("a connection was used by %d users at most: the test proves nothing", maxUsers)
	}
}

func (u *user) errorf(format string, args ...any) {
	u.userLoad.mu.Lock()
	defer u.userLoad.mu.Unlock()
	if len(u.userLoad.violations) < maxViolations {
		u.userLoad.violations = append(u.userLoad.violations, u.Name+": "+fmt.Sprintf(format, args...))
	}
}

func (u *user) run(ctx context.Context) {
	for ctx.Err() == nil {
		u.sendRandomRequest()
		u.requests.Add(1)
		select {
		case <-ctx.Done():
		case <-time.After(rand.N(maxPause)):
		}
	}
}

// sendRandomRequest sends one request to one of the gateways.
func (u *user) sendRandomRequest() {
	u.mu.Lock()
	defer u.mu.Unlock()
	at := rand.IntN(len(u.userLoad.clients))
	switch n := rand.IntN(40); {
	case u.over:
		u.checkRefused(at)
	case u.token == "" || n == 0:
		u.logIn(at)
	case n < 10:
		u.callAnonymously(at)
	default:
		u.call(at, []string{"/api/", "/unchanged/", "/open/", "/jar/"}[n%4])
	}
}

// call sends a request with the user's token, and reports whether it succeeded. The
// backend must receive it as this user's; it may fail only because of a backend or the
// store.
func (u *user) call(at int, path string) bool {
	r := u.send(request{at: at, path: path, token: u.token})
	u.check(r, seenRequest{OpenID: []string{u.OpenID}, UnionID: []string{u.UnionID}, AppID: []string{u.AppID}, Subject: u.OpenID})
	if r.Code() == "store_unavailable" && u.cachedBy[at] && path != "/jar/" {
		u.errorf("the store is unavailable for a cached session: %v", r)
	}
	u.cachedBy[at] = u.cachedBy[at] || r.seen != nil && isJWT(u.token)
	if fresh := r.Header.Get("X-Session-Token"); fresh != "" {
		u.setToken(fresh)
	}
	return r.err == nil && r.Status == http.StatusOK
}

// isJWT reports whether a gateway can validate a token with its cached session, without
// Redis.
func isJWT(token string) bool { return strings.Count(token, ".") == 2 }

// setToken replaces the user's token.
func (u *user) setToken(token string) { u.token, u.cachedBy = token, [2]bool{} }

// callAnonymously sends a request that the backend must receive without an identity:
// without a token, with spoofed identity headers, or to a route with auth: none.
func (u *user) callAnonymously(at int) {
	other := u.userLoad.users[rand.IntN(len(u.userLoad.users))]
	switch rand.IntN(4) {
	case 0:
		u.check(u.send(request{at: at, path: "/open/"}), seenRequest{})
	case 1:
		u.check(u.send(request{at: at, path: "/open/", claims: other.OpenID}), seenRequest{})
	case 2:
		u.check(u.send(request{at: at, path: "/public/", token: u.token, claims: other.OpenID}), seenRequest{})
	case 3:
		if r := u.send(request{at: at, path: "/api/", claims: other.OpenID}); r.Code() != "token_missing" {
			u.errorf("without a token: %v", r)
		}
	}
}

// check compares what a backend received with want. A request that reached no backend
// must have failed with one of allowedErrors.
func (u *user) check(r reply, want seenRequest) {
	want.Markers = r.markers
	switch {
	case r.seen == nil && r.err != nil:
		u.errorf("%s %s: no response: %v", r.method, r.path, r.err)
	case r.seen == nil && allowedErrors[r.Code()] != r.Status:
		u.errorf("%s %s: %v", r.method, r.path, r)
	case r.seen == nil:
	case r.seen.Cookie != "" && r.seen.Cookie != "who="+u.Name:
		u.errorf("%s %s was received with the cookie %s", r.method, r.path, r.seen.Cookie)
	default:
		want.Cookie = r.seen.Cookie
		u.compare(r, want)
	}
}

func (u *user) compare(r reply, want seenRequest) {
	if !reflect.DeepEqual(*r.seen, want) {
		u.errorf("%s %s was received as %+v", r.method, r.path, *r.seen)
	}
	if r.err == nil && (string(r.Body) != r.Header.Get(seenHeader) || r.Status != http.StatusOK && r.Status != http.StatusServiceUnavailable) {
		u.errorf("%s %s: header and body of different responses: %v and %v", r.method, r.path, r, r.Header)
	}
}

// allowedErrors are the errors that a gateway may respond with while backends or Redis
// fail.
var allowedErrors = map[string]int{
	"upstream_error": http.StatusBadGateway, "upstream_timeout": http.StatusGatewayTimeout,
	"no_healthy_upstream": http.StatusServiceUnavailable, "store_unavailable": http.StatusServiceUnavailable,
}

// checkRefused checks that an ended session is refused, even by a gateway that can't
// connect to Redis.
func (u *user) checkRefused(at int) {
	r := u.send(request{at: at, path: "/unchanged/", token: u.token})
	if r.Code() != "session_ended" && r.Code() != "store_unavailable" {
		u.errorf("with an ended session: %v", r)
	}
}

func (u *user) logIn(at int) {
	r := u.send(request{at: at, method: "POST", path: "/auth/login", body: fmt.Sprintf(`{"appid":%q,"code":%q}`, appA, u.Code())})
	switch {
	case r.err == nil && r.Status == http.StatusOK:
		u.setToken(r.Field("token"))
		u.over = false
	case r.Code() != "store_unavailable":
		u.errorf("login: %v, %v", r, r.err)
	}
}

func (u *user) logOut(at int) {
	r := u.send(request{at: at, method: "POST", path: "/auth/logout", token: u.token, body: "{}"})
	if u.over = r.Status == http.StatusNoContent; !u.over {
		u.errorf("logout: %v, %v", r, r.err)
	}
}

// request is what a user sends. Without a method, requestWithMarker chooses one.
type request struct {
	at                        int
	method, path, token, body string
	claims                    string // the openid in spoofed identity headers
}

// reply is a response, and what the backend received of the request.
type reply struct {
	testkit.Response
	err          error
	method, path string
	markers      [3]string
	seen         *seenRequest // nil if the request reached no backend
}

func (u *user) send(q request) reply {
	var markers [3]string
	if q.method == "" {
		u.count++
		q.method, q.body, markers = requestWithMarker(fmt.Sprintf("%s/%d", u.Name, u.count))
	}
	r := reply{method: q.method, path: q.path, markers: markers}
	req, err := http.NewRequestWithContext(u.traced(), q.method, u.userLoad.c.gateways[q.at].public+q.path+"?marker="+markers[1], strings.NewReader(q.body))
	if err != nil {
		r.err = err
		return r
	}
	q.fill(req.Header)
	req.Header.Set("X-Marker", markers[0])
	r.Response, r.err = testkit.Do(u.userLoad.clients[q.at], req)
	if text := r.Header.Get(seenHeader); text != "" {
		r.seen = &seenRequest{}
		_ = json.Unmarshal([]byte(text), r.seen)
	}
	return r
}

// requestWithMarker returns a random method, the body, and the markers for header, query
// and body.
func requestWithMarker(marker string) (method, body string, all [3]string) {
	method = oneOf(rand.IntN(4), "GET", "GET", "POST", "PUT")
	if method != "GET" {
		body = marker
	}
	return method, body, [3]string{marker, marker, body}
}

func (q request) fill(h http.Header) {
	if q.token != "" {
		h.Set("Authorization", "Bearer "+q.token)
	}
	if q.claims != "" {
		for _, name := range []string{"X-OpenID", "X-UnionID", "X-Assertion", "X_OpenID"} {
			h[name] = []string{q.claims}
		}
	}
}

// traced returns a context that records which connection the request is sent on.
func (u *user) traced() context.Context {
	c := u.userLoad
	return httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.used[info.Conn] == nil {
			c.used[info.Conn] = map[string]bool{}
		}
		c.used[info.Conn][u.Name] = true
	}})
}
