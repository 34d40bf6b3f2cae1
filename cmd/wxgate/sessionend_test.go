package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// endLimit is the time within which a session must end on every instance.
const endLimit = time.Second

// activeSession is a session with a stream and a WebSocket on an instance.
type activeSession struct {
	t      *testing.T
	i      *instance
	token  string
	stream *events
	socket *socket
}

// activeSession makes the instance cache a session, and opens a stream and a WebSocket
// with it.
func (i *instance) activeSession(t *testing.T, token string) *activeSession {
	t.Helper()
	backendRequest(t, i.call("GET", "/api/x", token, ""))
	f := &activeSession{t: t, i: i, token: token, stream: i.openEvents(token), socket: i.openSocket(token)}
	f.stream.awaitMore(t)
	if !f.socket.echoes() {
		t.Fatal("the socket does not echo")
	}
	return f
}

// awaitEnd checks that within limit the session is refused, and its stream and
// WebSocket are closed.
func (f *activeSession) awaitEnd(limit time.Duration) {
	f.t.Helper()
	end := time.Now().Add(limit)
	testkit.Within(f.t, time.Until(end), "the session is refused", func() bool {
		a := f.i.call("GET", "/api/x", f.token, "")
		if a.Status != http.StatusOK && a.Code() != "session_ended" && a.Code() != "token_expired" {
			f.t.Fatalf("refused with %v", a)
		}
		return a.Status == http.StatusUnauthorized
	})
	testkit.Within(f.t, time.Until(end), "the stream is closed", f.stream.isClosed)
	testkit.Within(f.t, time.Until(end), "the socket is closed", f.socket.isClosed)
}

// checkAlive checks that the session is accepted, and its stream and WebSocket are open.
func (f *activeSession) checkAlive() {
	f.t.Helper()
	backendRequest(f.t, f.i.call("GET", "/api/x", f.token, ""))
	f.stream.awaitMore(f.t)
	if !f.socket.echoes() {
		f.t.Error("the WebSocket of a session that has not ended was closed")
	}
}

// sid returns the id of a user's only session, from the private listener.
func (i *instance) sid(t *testing.T, user string) string {
	t.Helper()
	var found struct {
		Sessions []struct{ SID string }
	}
	a := i.callAdmin("GET", user, adminToken, "")
	if json.Unmarshal(a.Body, &found) != nil || len(found.Sessions) != 1 {
		t.Fatalf("the user's sessions: %v", a)
	}
	return found.Sessions[0].SID
}

func TestASessionEndedOnOneInstanceEndsOnTheOther(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	trusting := settings{"session": "{cache_ttl: 30s, max_per_user: 2}"}
	near, far := env.serve(trusting), env.serve(trusting)
	bystander := far.activeSession(t, far.login("bystander"))

	for name, end := range map[string]struct {
		status int
		call   func(token, user string) testkit.Response
	}{
		"logout": {http.StatusNoContent, func(token, _ string) testkit.Response {
			return near.call("POST", "/auth/logout", token, "")
		}},
		"logout-all": {http.StatusNoContent, func(_, _ string) testkit.Response {
			return near.call("POST", "/auth/logout", near.login("logout-all"), `{"all":true}`)
		}},
		"max-per-user": {http.StatusOK, func(_, _ string) testkit.Response {
			near.login("max-per-user")
			return near.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, appA, env.user(appA, "max-per-user").Code()))
		}},
		"admin-one": {http.StatusOK, func(_, user string) testkit.Response {
			return near.callAdmin("DELETE", "/api/sessions/"+near.sid(t, user), adminToken, "")
		}},
		"admin-all": {http.StatusOK, func(_, user string) testkit.Response {
			return near.callAdmin("DELETE", user+"/sessions", adminToken, "")
		}},
		"ban": {http.StatusOK, func(_, user string) testkit.Response {
			return near.callAdmin("PUT", user+"/ban", adminToken, `{"reason":"spam"}`)
		}},
	} {
		session := far.activeSession(t, far.login(name))
		if a := end.call(session.token, "/api/users/"+appA+"/"+env.user(appA, name).OpenID); a.Status != end.status {
			t.Fatalf("%s: %v", name, a)
		}
		session.awaitEnd(endLimit)
		if a := near.call("GET", "/api/x", session.token, ""); a.Code() != "session_ended" {
			t.Errorf("%s: where it was ended: %v", name, a)
		}
	}
	bystander.checkAlive()
}

func TestABannedUserCannotLogInUntilTheBanIsLifted(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	near, far := env.serve(nil), env.serve(nil)
	near.login("mallory")
	ban := "/api/users/" + appA + "/" + env.user(appA, "mallory").OpenID + "/ban"
	login := func() testkit.Response {
		return far.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, appA, env.user(appA, "mallory").Code()))
	}
	if a := near.callAdmin("PUT", ban, adminToken, `{"reason":"spam"}`); a.Field("ended") != "1" {
		t.Fatalf("ban: %v", a)
	}
	if a := login(); a.Status != http.StatusForbidden || a.Code() != "user_blocked" {
		t.Errorf("login of a banned user: %v", a)
	}
	if a := near.callAdmin("DELETE", ban, adminToken, ""); a.Status != http.StatusNoContent {
		t.Fatalf("unban: %v", a)
	}
	if a := login(); a.Status != http.StatusOK {
		t.Errorf("login once the ban is lifted: %v", a)
	}
	until := time.Now().Add(2 * time.Second)
	near.callAdmin("PUT", ban, adminToken, fmt.Sprintf(`{"until":%d}`, until.Unix()))
	testkit.Eventually(t, "the ban expires", func() bool { return login().Status == http.StatusOK })
	if time.Now().Before(until.Truncate(time.Second)) {
		t.Error("a ban expired before its end")
	}
}

func TestStreamsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	for name, session := range map[string]string{
		"absolute": "{cache_ttl: 30s, idle_timeout: 2s, max_lifetime: 2s}",
		"idle":     "{cache_ttl: 30s, idle_timeout: 2s}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newTestEnv(t).serve(settings{"session": session})
			start := time.Now()
			token := i.login(name)
			stream, socket := i.openEvents(token), i.openSocket(token)
			testkit.Within(t, 2*time.Second+endLimit, "the stream and the socket are closed", func() bool { return stream.isClosed() && socket.isClosed() })
			if took := time.Since(start); took < time.Second { // a token ends with whole seconds, never after its session
				t.Errorf("they were closed after %v", took)
			}
			if a := i.call("GET", "/api/x", token, ""); a.Status != http.StatusUnauthorized {
				t.Errorf("after its end: %v", a)
			}
		})
	}
}

func TestARenewedTokenKeepsItsSockets(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	short := settings{"session": "{cache_ttl: 30s}", "token": "{ttl: 4s, renew_before: 1s}"}
	near, far := env.serve(short), env.serve(short)
	lapsed, renewed := far.activeSession(t, far.login("lapsed")), far.activeSession(t, far.login("renewed"))

	// One session gets a renewed token from the other instance, the other session doesn't.
	testkit.Eventually(t, "a fresh token", func() bool {
		a := near.call("GET", "/api/x", renewed.token, "")
		if fresh := a.Header.Get("X-Session-Token"); fresh != "" {
			renewed.token = fresh
			return true
		}
		return false
	})
	testkit.Within(t, 5*time.Second+endLimit, "the streams of an expired token are closed", func() bool {
		return lapsed.socket.isClosed() && lapsed.stream.isClosed()
	})
	if a := far.call("GET", "/api/x", lapsed.token, ""); a.Code() != "token_expired" {
		t.Errorf("the expired token: %v", a)
	}
	renewed.checkAlive()
}

func TestATokenIsRenewedWithAResponse(t *testing.T) {
	t.Parallel()
	i := newTestEnv(t).serve(settings{"token": "{ttl: 1h, renew_before: 59m59s}"})
	token := i.login("alice")
	var fresh string
	testkit.Eventually(t, "a fresh token", func() bool {
		a := i.call("GET", "/api/x", token, "")
		backendRequest(t, a)
		fresh = a.Header.Get("X-Session-Token")
		return fresh != ""
	})
	backendRequest(t, i.call("GET", "/api/x", fresh, ""))
	backendRequest(t, i.call("GET", "/api/x", token, "")) // two requests may renew at once
}
