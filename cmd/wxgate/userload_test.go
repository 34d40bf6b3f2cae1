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
	connectionsPerGateway = 8 // of the users to one gateway: all users share them in turn
	maxViolations         = 10
	longestPause          = 700 * time.Millisecond
)

// userLoad is users that send requests during a faultLoad. Each checks what the
// backends and the gateways answer.
type userLoad struct {
	c       *faultLoad
	users   []*user
	clients []*http.Client // one a gateway
	stop    context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	violations []string
	used       map[net.Conn]map[string]bool // by whom
}

// user is one of them. His fields are guarded by mu, which he holds through
// each of his requests.
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

// startUsers starts the users; the first thing that they do is log in.
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

// stopUsers stops them and waits until they have.
func (c *userLoad) stopUsers() {
	c.stop()
	c.running.Wait()
	for _, client := range c.clients {
		client.CloseIdleConnections()
	}
}

// awaitRequests waits until each user has sent two requests more.
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

// sessionsEnd ends the sessions of some users, whom every gateway knows.
func (c *userLoad) sessionsEnd(users []*user) {
	c.c.t.Helper()
	for n, u := range users {
		u.sessionEnds(n % len(c.clients))
	}
}

// sessionEnds waits for it to be so everywhere, as long as that may take.
func (u *user) sessionEnds(at int) {
	t := u.userLoad.c.t
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	for at := range u.userLoad.clients {
		testkit.Eventually(t, "a visit of "+u.Name, func() bool { return u.call(at, "/api/") })
	}
	u.logOut(at)
	end := time.Now().Add(endLimit)
	for at := range u.userLoad.clients {
		testkit.Within(t, time.Until(end), "the session of "+u.Name+" is over", func() bool {
			return u.send(request{at: at, path: "/api/", token: u.token}).Code() == "session_ended"
		})
	}
}

// checkSessions checks, once the faults are over, that the sessions live on that
// nobody ended, that the others don't, and that those users may come again.
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
				u.errorf("is locked out")
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
	most := 0
	for _, by := range c.used {
		most = max(most, len(by))
	}
	if most < connectionsPerGateway {
		c.c.t.Errorf("a connection was used by %d users at most: the test shows nothing", most)
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
		u.sendOne()
		u.requests.Add(1)
		select {
		case <-ctx.Done():
		case <-time.After(rand.N(longestPause)):
		}
	}
}

// visit is one request at either gateway.
func (u *user) sendOne() {
	u.mu.Lock()
	defer u.mu.Unlock()
	at := rand.IntN(len(u.userLoad.clients))
	switch dice := rand.IntN(40); {
	case u.over:
		u.isRefused(at)
	case u.token == "" || dice == 0:
		u.logIn(at)
	case dice < 10:
		u.callAnonymously(at)
	default:
		u.call(at, []string{"/api/", "/unchanged/", "/open/", "/jar/"}[dice%4])
	}
}

// call must come through as this user's and tells whether it did. If it fails,
// then for a reason that is a backend's or the store's.
func (u *user) call(at int, path string) bool {
	r := u.send(request{at: at, path: path, token: u.token})
	u.check(r, seenRequest{OpenID: []string{u.OpenID}, UnionID: []string{u.UnionID}, AppID: []string{u.AppID}, Subject: u.OpenID})
	if r.Code() == "store_unavailable" && u.cachedBy[at] && path != "/jar/" {
		u.errorf("no store was found for a session seen before: %v", r)
	}
	u.cachedBy[at] = u.cachedBy[at] || r.seen != nil && isJWT(u.token)
	if fresh := r.Header.Get("X-Session-Token"); fresh != "" {
		u.setToken(fresh)
	}
	return r.err == nil && r.Status == http.StatusOK
}

// isJWT tells the tokens that a gateway can judge without Redis by what it knows
// of the session.
func isJWT(token string) bool { return strings.Count(token, ".") == 2 }

// setToken puts another token of the same session, or of another, in place.
func (u *user) setToken(token string) { u.token, u.cachedBy = token, [2]bool{} }

// callAnonymously must come through without any identity: with no token, with
// another's name in the headers, or with a token where none is looked at.
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

// check compares what a backend saw. What reached none must have a good reason.
func (u *user) check(r reply, want seenRequest) {
	want.Markers = r.markers
	switch {
	case r.seen == nil && r.err != nil:
		u.errorf("%s %s: no answer: %v", r.method, r.path, r.err)
	case r.seen == nil && allowedErrors[r.Code()] != r.Status:
		u.errorf("%s %s: %v", r.method, r.path, r)
	case r.seen == nil:
	case r.seen.Cookie != "" && r.seen.Cookie != "who="+u.Name:
		u.errorf("%s %s came with the cookie %s", r.method, r.path, r.seen.Cookie)
	default:
		want.Cookie = r.seen.Cookie
		u.compare(r, want)
	}
}

func (u *user) compare(r reply, want seenRequest) {
	if !reflect.DeepEqual(*r.seen, want) {
		u.errorf("%s %s came as %+v", r.method, r.path, *r.seen)
	}
	if r.err == nil && (string(r.Body) != r.Header.Get(seenHeader) || r.Status != http.StatusOK && r.Status != http.StatusServiceUnavailable) {
		u.errorf("%s %s: two answers in one: %v and %v", r.method, r.path, r, r.Header)
	}
}

// allowedErrors are the errors that a gateway may answer with when backends and
// Redis fail.
var allowedErrors = map[string]int{
	"upstream_error": http.StatusBadGateway, "upstream_timeout": http.StatusGatewayTimeout,
	"no_healthy_upstream": http.StatusServiceUnavailable, "store_unavailable": http.StatusServiceUnavailable,
}

// isRefused checks that an ended session is not taken for a live one by a
// gateway that can't ask.
func (u *user) isRefused(at int) {
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

// request is what a user sends. Without a method it is one of several, with a
// marker of its own in each part.
type request struct {
	at                        int
	method, path, token, body string
	claims                    string // the openid that the client says it has
}

// reply is an answer, and what the backend saw of the request, nil if none did.
type reply struct {
	testkit.Response
	err          error
	method, path string
	markers      [3]string
	seen         *seenRequest
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

// requestWithMarker is a request with a marker in each part that it has.
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

// traced notes which connection the user was given.
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
