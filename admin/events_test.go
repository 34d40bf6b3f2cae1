package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/admin"
	"wxgate/internal/testkit"
)

// openEvents opens the event stream; read returns the next event, and false at its end.
func (env *testEnv) openEvents(ctx context.Context, token string) (status int, read func() (statusJSON, bool)) {
	env.t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", env.base+"/api/events", nil)
	testkit.Must(env.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	testkit.Must(env.t, err)
	env.t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return res.StatusCode, func() (statusJSON, bool) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var event struct{ Status statusJSON }
				testkit.Must(env.t, json.Unmarshal([]byte(data), &event))
				return event.Status, true
			}
		}
		return statusJSON{}, false
	}
}

func TestEventsReportChanges(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	_, read := env.openEvents(t.Context(), adminToken)
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
			_, read := env.openEvents(ctx, adminToken)
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
		if status, _ := env.openEvents(ctx, adminToken); status != http.StatusOK {
			t.Fatalf("stream %d: %d", i, status)
		}
	}
	if a := env.call("GET", "/api/events", adminToken, ""); outcome(a) != "503 overloaded" || a.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %v", a)
	}
	cancel()
	testkit.Eventually(t, "a stream can be opened again", func() bool {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		status, _ := env.openEvents(ctx, adminToken)
		return status == http.StatusOK
	})
	if a := env.call("HEAD", "/api/events", adminToken, ""); a.Status != http.StatusOK || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %v", a)
	}
}
