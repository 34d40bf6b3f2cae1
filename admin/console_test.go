package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"wxgate/admin"
	"wxgate/internal/testkit"
	"wxgate/session"
)

// shownGateway stands for the gateway around the listener; package main's tests have
// the real one.
func shownGateway() admin.Gateway {
	return admin.Gateway{
		Build: admin.Build{Version: "v1.2.3", Commit: "abc", Go: "go1.26"}, Started: time.Now(), Store: "Redis at r:6379",
		Routes:    func() []admin.Route { return []admin.Route{{Name: "api", Path: "/api/"}} },
		Upstreams: func() []admin.UpstreamGroup { return []admin.UpstreamGroup{{Route: "api"}} },
		Explain: func(_ context.Context, r *http.Request) admin.Explanation {
			return admin.Explanation{Method: r.Method, URI: r.URL.RequestURI(), Host: r.Host}
		},
		Config: func() ([]byte, error) { return []byte("listen: :8080\n"), nil },
	}
}

// consoleCalls are the calls that only the console's token may make.
var consoleCalls = []struct{ method, path, body string }{
	{"GET", "/api/status", ""}, {"GET", "/api/history", ""}, {"GET", "/api/events", ""}, {"GET", "/api/upstreams", ""},
	{"GET", "/api/routes", ""}, {"POST", "/api/explain", `{"method":"GET","url":"/x"}`}, {"GET", "/api/config", ""},
}

func TestTheConsolesCallsAskForItsToken(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, c := range append(consoleCalls, struct{ method, path, body string }{"GET", "/api/audit", ""}) {
		for token, want := range map[string]string{"": "401 token_missing", "wrong-token-of-nobody": "401 token_invalid", wechatToken: "403 forbidden", rawToken: "403 forbidden"} {
			if a := env.call(c.method, c.path, token, c.body); outcome(a) != want {
				t.Errorf("%s %s with %q: want %s, got %v", c.method, c.path, token, want, a)
			}
		}
		if a := env.call("PATCH", c.path, adminToken, ""); outcome(a) != "405 method_not_allowed" || a.Header.Get("Allow") != c.method {
			t.Errorf("PATCH %s: %v, Allow %q", c.path, a, a.Header.Get("Allow"))
		}
	}
	for _, c := range consoleCalls { // they are of all apps
		if a := env.call(c.method, c.path, otherToken, c.body); outcome(a) != "403 forbidden" {
			t.Errorf("%s %s with a token for one app: %v", c.method, c.path, a)
		}
	}
}

func TestAnyTokenLearnsWhatItMayDo(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for token, want := range map[string]string{
		adminToken:  `{"name":"operators","scopes":["admin"],"apps":["` + app + `","` + otherApp + `"],"all_apps":true}`,
		wechatToken: `{"name":"orders","scopes":["wechat"],"apps":["` + app + `","` + otherApp + `"],"all_apps":true}`,
		otherToken:  `{"name":"other","scopes":["admin","wechat","token"],"apps":["` + otherApp + `"],"all_apps":false}`,
	} {
		if a := env.call("GET", "/api/token", token, ""); a.Status != http.StatusOK || string(a.Body) != want {
			t.Errorf("%v", a)
		}
	}
	if a := env.call("GET", "/api/token", "", ""); outcome(a) != "401 token_missing" {
		t.Errorf("%v", a)
	}
	env.server.Configure(admin.Config{})
	if a := env.call("GET", "/api/token", adminToken, ""); outcome(a) != "401 token_invalid" || !strings.Contains(string(a.Body), "none are configured") {
		t.Errorf("without admin.tokens: %v", a)
	}
}

// shownStatus is the overview as the tests read it.
type shownStatus struct {
	Version  string
	Draining bool
	Requests struct {
		WindowSeconds float64 `json:"window_seconds"`
		PerSecond     float64 `json:"per_second"`
		P50           float64 `json:"p50_seconds"`
		P99           float64 `json:"p99_seconds"`
		Answers       map[string]float64
		Errors        map[string]float64
		Sockets       float64
		SinceStart    struct{ Answers, Errors map[string]float64 } `json:"since_start"`
	}
	Sessions struct{ Cached, Watched, Started, Ended float64 }
	Redis    struct {
		Store     string
		Reachable bool
		Problem   string
	}
	Apps []struct {
		AppID       string
		Circuits    map[string]string
		AccessToken *struct {
			ExpiresAt time.Time `json:"expires_at"`
		} `json:"access_token"`
	}
}

func (env *testEnv) status() (s shownStatus) {
	env.t.Helper()
	a := env.call("GET", "/api/status", adminToken, "")
	if a.Status != http.StatusOK {
		env.t.Fatalf("%v", a)
	}
	a.JSON(env.t, &s)
	return s
}

// traffic stands for the public listener's metrics.
type traffic struct {
	requests *prometheus.CounterVec
	errors   *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newTraffic(reg prometheus.Registerer) traffic {
	f := promauto.With(reg)
	return traffic{
		f.NewCounterVec(prometheus.CounterOpts{Name: "wxgate_requests_total"}, []string{"route", "method", "status"}),
		f.NewCounterVec(prometheus.CounterOpts{Name: "wxgate_errors_total"}, []string{"code"}),
		f.NewHistogramVec(prometheus.HistogramOpts{Name: "wxgate_request_duration_seconds", Buckets: []float64{.01, .1, 1}}, []string{"route"}),
	}
}

func TestTheOverviewTellsOfTheLastMinute(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	m := newTraffic(env.metrics)
	m.requests.WithLabelValues("a", "GET", "200").Add(0) // a first sample to compare with
	testkit.Eventually(t, "a sample", func() bool { return env.status().Requests.WindowSeconds > 0 })
	m.requests.WithLabelValues("a", "GET", "200").Add(90)
	m.requests.WithLabelValues("b", "POST", "401").Add(9)
	m.requests.WithLabelValues("b", "POST", "502").Add(1)
	m.errors.WithLabelValues("token_expired").Add(9)
	for range 98 {
		m.duration.WithLabelValues("a").Observe(.05)
	}
	for range 2 {
		m.duration.WithLabelValues("b").Observe(7)
	}
	var s shownStatus
	testkit.Eventually(t, "the figures", func() bool { s = env.status(); return s.Requests.Answers["2xx"] == 90 })
	r := s.Requests
	if r.Answers["4xx"] != 9 || r.Answers["5xx"] != 1 || r.Errors["token_expired"] != 9 || r.SinceStart.Answers["2xx"] != 90 || r.SinceStart.Errors["token_expired"] != 9 {
		t.Errorf("counts: %+v", r)
	}
	if r.PerSecond <= 0 || r.WindowSeconds > 61 || r.P50 < .01 || r.P50 > .1 || r.P99 != 1 {
		t.Errorf("rate and percentiles: %+v", r)
	}
	var history struct {
		Points []struct {
			At     time.Time
			Errors float64 `json:"errors_per_second"`
		}
	}
	env.call("GET", "/api/history", adminToken, "").JSON(t, &history)
	failed := 0
	for i, p := range history.Points {
		if p.Errors > 0 {
			failed++
		}
		if i > 0 && !p.At.After(history.Points[i-1].At) {
			t.Errorf("point %d is not after the one before", i)
		}
	}
	if failed != 1 {
		t.Errorf("%d points of %d tell of the failure", failed, len(history.Points))
	}
}

func TestTheOverviewTellsOfSessionsAppsAndTheStore(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("alice")
	_, expires, err := env.wechat.AccessToken(t.Context(), app)
	testkit.Must(t, err)
	var s shownStatus
	testkit.Eventually(t, "a sample", func() bool { s = env.status(); return s.Sessions.Started == 1 })
	if s.Version != "v1.2.3" || s.Draining || s.Redis.Store != "Redis at r:6379" || !s.Redis.Reachable || len(s.Apps) != 2 {
		t.Fatalf("%+v", s)
	}
	if a := s.Apps[0]; a.AppID != app || a.Circuits["login"] != "closed" || a.AccessToken == nil || !a.AccessToken.ExpiresAt.Equal(expires) {
		t.Errorf("app: %+v", a)
	}
	if a := s.Apps[1]; a.AppID != otherApp || a.AccessToken != nil {
		t.Errorf("app without a token: %+v", a)
	}
	env.draining.Store(true)
	env.redis.Stop()
	testkit.Eventually(t, "Redis is found away", func() bool { s = env.status(); return !s.Redis.Reachable })
	if !s.Draining || s.Redis.Problem == "" {
		t.Errorf("%+v", s)
	}
}

func TestExplainTakesARequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	a := env.call("POST", "/api/explain", adminToken, `{"method":"post","url":"https://shop.example.com/api/x?y=1","token":"t"}`)
	var e admin.Explanation
	a.JSON(t, &e)
	if a.Status != http.StatusOK || e.Method != "POST" || e.URI != "/api/x?y=1" || e.Host != "shop.example.com" {
		t.Errorf("%v", a)
	}
	for _, body := range []string{
		"", "x", "[]", `{}`, `{"url":7}`, `{"url":""}`, `{"url":"http://[::1"}`, `{"method":"A B","url":"/x"}`, `{"url":"/` + strings.Repeat("x", 9<<10) + `"}`,
		`{"url":"/x","token":"` + strings.Repeat("x", 9<<10) + `"}`, `{"url":"/x","token":"a\r\nX-OpenID: b"}`,
	} {
		if a := env.call("POST", "/api/explain", adminToken, body); outcome(a) != "400 bad_request" {
			t.Errorf("%.60s: %v", body, a)
		}
	}
	if a := env.call("POST", "/api/explain", adminToken, strings.Repeat(" ", 2<<20)); outcome(a) != "413 body_too_large" {
		t.Errorf("a body that is too large: %v", a)
	}
}

func TestAUserIsFoundByOpenID(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	for query, want := range map[string]string{
		"openid=" + s.OpenID: s.OpenID, "openid=" + s.OpenID + "&appid=" + app: s.OpenID, "openid=" + s.OpenID + "&appid=" + otherApp: "", "openid=nobody": "",
	} {
		if got := openids(t, env.call("GET", "/api/users?"+query, adminToken, "")); got != want {
			t.Errorf("%s: %q", query, got)
		}
	}
	if got := openids(t, env.call("GET", "/api/users?openid="+s.OpenID, otherToken, "")); got != "" {
		t.Errorf("with another app's token: %q", got)
	}
	for _, query := range []string{"openid=", "openid=a&openid=b", "openid=a&user_id=b"} {
		if a := env.call("GET", "/api/users?"+query, adminToken, ""); outcome(a) != "400 bad_request" {
			t.Errorf("%s: %v", query, a)
		}
	}
}

func TestSessionsAreShownWithTheirKind(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	ticket, err := env.sessions.IssueTicket(t.Context(), s, "/h5/")
	testkit.Must(t, err)
	open, err := env.sessions.ReadTicket(t.Context(), ticket.Value.Reveal())
	testkit.Must(t, err)
	_, page, err := env.sessions.RedeemTicket(t.Context(), open, "a browser", nil)
	testkit.Must(t, err)
	type shown struct{ SID, Kind, Parent string }
	for sid, want := range map[string]shown{s.ID: {s.ID, "bearer", ""}, page.ID: {page.ID, "web", s.ID}} {
		var got shown
		env.call("GET", "/api/sessions/"+sid, adminToken, "").JSON(t, &got)
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// shownTrail is a page of the audit trail.
type shownTrail struct {
	Entries []struct {
		ID, Actor, Action, Error, From, AppID, OpenID, SID, Reason string
		RequestID                                                  string `json:"request_id"`
		At, Until                                                  time.Time
		OK                                                         bool
		Ended                                                      int
	}
	Next string
}

func (env *testEnv) trail(token, query string) (p shownTrail) {
	env.t.Helper()
	a := env.call("GET", "/api/audit"+query, token, "")
	if a.Status != http.StatusOK {
		env.t.Fatalf("%s: %v", query, a)
	}
	a.JSON(env.t, &p)
	return p
}

func TestEachChangeIsInTheAuditTrail(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	env.login("alice")
	user := "/api/users/" + app + "/" + s.OpenID
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	env.call("DELETE", "/api/sessions/"+s.ID, adminToken, "")
	env.call("DELETE", user+"/sessions", bothToken, "")
	env.call("PUT", user+"/ban", adminToken, fmt.Sprintf(`{"reason":"spam","until":%q}`, until.Format(time.RFC3339)))
	env.call("DELETE", user+"/ban", adminToken, "")
	env.call("DELETE", "/api/apps/"+app+"/sessions", adminToken, "")
	env.login("alice")
	env.call("POST", user+"/sign", bothToken, `{"message":"m"}`)
	env.call("GET", "/wx/"+app+"/cgi-bin/token", rawToken, "")

	got := env.trail(adminToken, "")
	var actions []string
	for _, e := range got.Entries {
		actions = append(actions, e.Actor+" "+e.Action)
		if !e.OK || e.AppID != app || e.From == "" || e.RequestID == "" || time.Since(e.At) > time.Minute || !session.ValidAuditID(e.ID) {
			t.Errorf("%+v", e)
		}
	}
	if want := "[operators end_app_sessions operators unban operators ban owner end_all_sessions operators end_session]"; fmt.Sprint(actions) != want || got.Next != "" {
		t.Fatalf("got %v, next %q", actions, got.Next)
	}
	if ban := got.Entries[2]; ban.OpenID != s.OpenID || ban.Reason != "spam" || !ban.Until.Equal(until) {
		t.Errorf("ban: %+v", ban)
	}
	if end, all := got.Entries[4], got.Entries[3]; end.SID != s.ID || all.Ended != 1 {
		t.Errorf("ends: %+v, %+v", end, all)
	}
	for scope, action := range map[string]string{"wechat": "sign", "token": "access_token"} {
		if of := env.trail(adminToken, "?scope="+scope).Entries; len(of) != 1 || of[0].Action != action {
			t.Errorf("%s: %+v", scope, of)
		}
	}
}

func TestTheAuditTrailIsReadByPages(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for i := range 5 {
		env.call("DELETE", fmt.Sprintf("/api/users/%s/o%d/ban", app, i), adminToken, "")
		env.call("DELETE", fmt.Sprintf("/api/users/%s/x%d/ban", otherApp, i), adminToken, "")
	}
	read := func(token string) (got []string) {
		query := "?limit=2"
		for range 10 {
			p := env.trail(token, query)
			for _, e := range p.Entries {
				got = append(got, e.OpenID)
			}
			if p.Next == "" {
				return got
			}
			query = "?limit=2&before=" + p.Next
		}
		t.Error("the pages have no end")
		return got
	}
	if got := read(adminToken); fmt.Sprint(got) != "[x4 o4 x3 o3 x2 o2 x1 o1 x0 o0]" {
		t.Errorf("%v", got)
	}
	if got := read(otherToken); fmt.Sprint(got) != "[x4 x3 x2 x1 x0]" {
		t.Errorf("a token for one app sees %v", got)
	}
	for _, query := range []string{
		"?limit=0", "?limit=201", "?limit=x", "?limit=1&limit=2", "?before=", "?before=x", "?before=(1-0", "?scope=", "?scope=all", "?page=2",
	} {
		if a := env.call("GET", "/api/audit"+query, adminToken, ""); outcome(a) != "400 bad_request" {
			t.Errorf("%s: %v", query, a)
		}
	}
}

func TestAnActionStandsThoughItsEntryCannotBeWritten(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.redis.MustDo("ACL", "SETUSER", "default", "-xadd")
	s := env.login("alice")
	if a := env.call("DELETE", "/api/sessions/"+s.ID, adminToken, ""); a.Status != http.StatusOK {
		t.Fatalf("%v", a)
	}
	env.wasAudited("end_session", "operators", s.OpenID)
	if !strings.Contains(env.log.String(), "has no entry of this action") {
		t.Error("nobody is told that the trail has a gap")
	}
	if a := env.call("GET", "/api/sessions/"+s.ID, adminToken, ""); outcome(a) != "404 not_found" {
		t.Errorf("%v", a)
	}
}

// What a caller sends must not make the trail grow without bound.
func TestLongTextsAreCutInTheAuditTrail(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.call("DELETE", "/api/users/"+app+"/"+strings.Repeat("很", 3000)+"/ban", adminToken, "")
	e := env.trail(adminToken, "").Entries
	if len(e) != 1 || len(e[0].OpenID) != 2046 || strings.Trim(e[0].OpenID, "很") != "" {
		t.Errorf("%d entries, %d bytes", len(e), len(e[0].OpenID))
	}
}

// follow opens the event stream; read gives the next event, and false at its end.
func (env *testEnv) follow(ctx context.Context, token string) (status int, read func() (shownStatus, bool)) {
	env.t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", env.base+"/api/events", nil)
	testkit.Must(env.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	testkit.Must(env.t, err)
	env.t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return res.StatusCode, func() (shownStatus, bool) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var event struct{ Status shownStatus }
				testkit.Must(env.t, json.Unmarshal([]byte(data), &event))
				return event.Status, true
			}
		}
		return shownStatus{}, false
	}
}

func TestEventsTellOfWhatChanges(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	_, read := env.follow(t.Context(), adminToken)
	if s, ok := read(); !ok || s.Version != "v1.2.3" || s.Sessions.Started != 0 {
		t.Fatalf("%+v, %v", s, ok)
	}
	env.login("alice")
	for started := 0.0; started != 1; {
		s, ok := read()
		if !ok {
			t.Fatal("the stream has ended")
		}
		started = s.Sessions.Started
	}
}

func TestEventsEndWithTheTokenAndTheGateway(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testEnv){
		"the token is taken away": func(env *testEnv) { env.server.Configure(admin.Config{}) },
		"the token loses its scope": func(env *testEnv) {
			env.server.Configure(admin.Config{Tokens: []admin.Token{{Name: "operators", Token: adminToken, Scopes: []admin.Scope{admin.ScopeWeChat}}}})
		},
		"the token is for one app": func(env *testEnv) {
			env.server.Configure(admin.Config{Tokens: []admin.Token{{Name: "operators", Token: adminToken, Scopes: []admin.Scope{admin.ScopeAdmin}, Apps: []string{app}}}})
		},
		"the gateway stops": func(env *testEnv) { env.stopRun() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, read := env.follow(ctx, adminToken)
			read()
			end(env)
			for ok := true; ok; {
				_, ok = read()
			}
			if ctx.Err() != nil {
				t.Error("the stream went on")
			}
		})
	}
}

func TestEventStreamsAreBounded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range 16 {
		if status, _ := env.follow(ctx, adminToken); status != http.StatusOK {
			t.Fatalf("stream %d: %d", i, status)
		}
	}
	if a := env.call("GET", "/api/events", adminToken, ""); outcome(a) != "503 overloaded" || a.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %v", a)
	}
	cancel()
	testkit.Eventually(t, "room again", func() bool {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		status, _ := env.follow(ctx, adminToken)
		return status == http.StatusOK
	})
	if a := env.call("HEAD", "/api/events", adminToken, ""); a.Status != http.StatusOK || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %v", a)
	}
}
