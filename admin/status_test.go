package admin_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"wxgate/internal/testkit"
)

// statusJSON is the response of GET /api/status.
type statusJSON struct {
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

func (env *testEnv) status() (s statusJSON) {
	env.t.Helper()
	a := env.call("GET", "/api/status", adminToken, "")
	if a.Status != http.StatusOK {
		env.t.Fatalf("%v", a)
	}
	a.JSON(env.t, &s)
	return s
}

// publicMetrics replaces the metrics of the public listener.
type publicMetrics struct {
	requests *prometheus.CounterVec
	errors   *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newPublicMetrics(reg prometheus.Registerer) publicMetrics {
	f := promauto.With(reg)
	return publicMetrics{
		f.NewCounterVec(prometheus.CounterOpts{Name: "wxgate_requests_total"}, []string{"route", "method", "status"}),
		f.NewCounterVec(prometheus.CounterOpts{Name: "wxgate_errors_total"}, []string{"code"}),
		f.NewHistogramVec(prometheus.HistogramOpts{Name: "wxgate_request_duration_seconds", Buckets: []float64{.01, .1, 1}}, []string{"route"}),
	}
}

func TestTheStatusReportsTheLastMinute(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	m := newPublicMetrics(env.metrics)
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
	var s statusJSON
	testkit.Eventually(t, "the counts", func() bool { s = env.status(); return s.Requests.Answers["2xx"] == 90 })
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
		t.Errorf("%d points of %d have the failure", failed, len(history.Points))
	}
}

func TestTheStatusReportsSessionsAppsAndTheStore(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("alice")
	_, expires, err := env.wechat.AccessToken(t.Context(), app)
	testkit.Must(t, err)
	var s statusJSON
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
	testkit.Eventually(t, "Redis is reported unreachable", func() bool { s = env.status(); return !s.Redis.Reachable })
	if !s.Draining || s.Redis.Problem == "" {
		t.Errorf("%+v", s)
	}
}
