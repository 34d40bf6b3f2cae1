package admin

import (
	"context"
	"net/http"
	"time"

	"wxgate/wechat"
)

// statusAnswer is the overview of this instance.
type statusAnswer struct {
	Build
	Now       time.Time    `json:"now"`
	StartedAt time.Time    `json:"started_at"`
	Draining  bool         `json:"draining"`
	Config    configStatus `json:"config"`

	Requests requestStatus `json:"requests"`
	Sessions sessionStatus `json:"sessions"`
	Redis    redisStatus   `json:"redis"`
	Apps     []appStatus   `json:"apps"`
}

type configStatus struct {
	AppliedAt  time.Time `json:"applied_at,omitzero"` // the configuration in force
	LastReload string    `json:"last_reload"`         // applied or refused
}

// requestStatus: rates, percentiles, answers and errors are of the last minute, or of
// WindowSeconds where the process is younger.
type requestStatus struct {
	WindowSeconds float64            `json:"window_seconds"`
	PerSecond     float64            `json:"per_second"`
	P50           float64            `json:"p50_seconds"`
	P99           float64            `json:"p99_seconds"`
	Answers       map[string]float64 `json:"answers"` // by class of status: 2xx
	Errors        map[string]float64 `json:"errors"`  // the gateway's own, by code
	InFlight      float64            `json:"in_flight"`
	Sockets       float64            `json:"sockets"`
	SinceStart    sinceStart         `json:"since_start"`
}

type sinceStart struct {
	Answers map[string]float64 `json:"answers"`
	Errors  map[string]float64 `json:"errors"`
}

// sessionStatus counts in this instance: to count what lies in Redis would take a
// scan of all of it.
type sessionStatus struct {
	Cached  float64 `json:"cached"`  // in use, that this instance has a copy of
	Watched float64 `json:"watched"` // requests, streams and sockets under way that end with their session
	Started float64 `json:"started"` // by this instance since its start
	Ended   float64 `json:"ended"`
}

type redisStatus struct {
	Store     string `json:"store"` // where sessions are kept, in words
	Reachable bool   `json:"reachable"`
	Problem   string `json:"problem,omitempty"`
}

type appStatus struct {
	AppID       string            `json:"appid"`
	Circuits    map[string]string `json:"circuits"` // of calls to WeChat, by class: closed, half-open or open
	AccessToken *tokenStatus      `json:"access_token,omitempty"`
}

// tokenStatus is the shared access token's; how old it is, WeChat doesn't tell.
type tokenStatus struct {
	ExpiresAt time.Time `json:"expires_at"`
}

// showStatus answers GET /api/status.
func (s *Server) showStatus(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, s.status(r.Context()))
	return nil
}

// storeAnswerLimit is what the overview waits for Redis.
const storeAnswerLimit = 800 * time.Millisecond

func (s *Server) status(ctx context.Context) statusAnswer {
	now, before := s.figures.latest()
	ctx, cancel := context.WithTimeout(ctx, storeAnswerLimit)
	defer cancel()
	a := statusAnswer{
		Build: s.Gateway.Build, Now: s.figures.now().UTC(), StartedAt: s.Gateway.Started.UTC(), Draining: s.Draining(),
		Config:   configStatus{LastReload: "applied"},
		Requests: newRequestStatus(now, before),
		Sessions: sessionStatus{
			Cached: now.gauges[metricSessions], Watched: now.gauges[metricStreams], Started: now.gauges[metricStarted], Ended: now.gauges[metricEnded],
		},
		Redis: s.redisStatus(ctx), Apps: []appStatus{},
	}
	if now.gauges[metricReloadOK] == 0 {
		a.Config.LastReload = "refused"
	}
	if at := now.gauges[metricReloadAt]; at > 0 {
		a.Config.AppliedAt = time.Unix(int64(at), 0).UTC()
	}
	for _, app := range s.WeChat.Status(ctx) {
		a.Apps = append(a.Apps, newAppStatus(app))
	}
	return a
}

func newRequestStatus(now, before sample) requestStatus {
	d := now.since(before)
	return requestStatus{
		WindowSeconds: d.seconds, PerSecond: d.perSecond(d.total()), P50: d.quantile(.5), P99: d.quantile(.99),
		Answers: nonZero(d.answers), Errors: nonZero(d.errors),
		InFlight: now.gauges[metricInFlight], Sockets: now.gauges[metricSockets],
		SinceStart: sinceStart{nonZero(now.answers), nonZero(now.errors)},
	}
}

func (s *Server) redisStatus(ctx context.Context) redisStatus {
	status := redisStatus{Store: s.Gateway.Store, Reachable: true}
	if err := s.Sessions.Ready(ctx); err != nil {
		status.Reachable, status.Problem = false, err.Error()
	}
	return status
}

func newAppStatus(app wechat.AppStatus) appStatus {
	status := appStatus{AppID: app.AppID, Circuits: app.Circuits}
	if !app.TokenExpires.IsZero() {
		status.AccessToken = &tokenStatus{app.TokenExpires.UTC()}
	}
	return status
}

// showHistory answers GET /api/history with the points of the last ten minutes.
func (s *Server) showHistory(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"points": s.figures.history()})
	return nil
}
