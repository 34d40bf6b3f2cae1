package admin

import (
	"context"
	"net/http"
	"time"

	"wxgate/wechat"
)

// statusResponse is the state of this instance.
type statusResponse struct {
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
	AppliedAt  time.Time `json:"applied_at,omitzero"` // of the current configuration
	LastReload string    `json:"last_reload"`         // applied or refused
}

// requestStatus describes the requests of the public listener. Rates, percentiles,
// responses and errors are of the last WindowSeconds, at most statusWindow.
type requestStatus struct {
	WindowSeconds float64            `json:"window_seconds"`
	PerSecond     float64            `json:"per_second"`
	P50           float64            `json:"p50_seconds"`
	P99           float64            `json:"p99_seconds"`
	Responses     map[string]float64 `json:"answers"` // by status class, such as 2xx
	Errors        map[string]float64 `json:"errors"`  // the gateway's own, by code
	InFlight      float64            `json:"in_flight"`
	Sockets       float64            `json:"sockets"`
	SinceStart    sinceStart         `json:"since_start"`
}

type sinceStart struct {
	Responses map[string]float64 `json:"answers"`
	Errors    map[string]float64 `json:"errors"`
}

// sessionStatus has the counts of this instance: counting the sessions in Redis would
// take a scan of all keys.
type sessionStatus struct {
	Cached  float64 `json:"cached"`  // sessions in this instance's cache
	Watched float64 `json:"watched"` // requests, streams and sockets in flight, which end with their session
	Started float64 `json:"started"` // by this instance since its start
	Ended   float64 `json:"ended"`
}

type redisStatus struct {
	Store     string `json:"store"` // Gateway.Store
	Reachable bool   `json:"reachable"`
	Problem   string `json:"problem,omitempty"`
}

type appStatus struct {
	AppID       string            `json:"appid"`
	Circuits    map[string]string `json:"circuits"` // circuit breakers of WeChat API calls, by class of call: closed, half-open or open
	AccessToken *tokenStatus      `json:"access_token,omitempty"`
}

// tokenStatus is the state of the shared access token. WeChat doesn't say when it was
// issued.
type tokenStatus struct {
	ExpiresAt time.Time `json:"expires_at"`
}

// showStatus handles GET /api/status.
func (s *Server) showStatus(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, s.status(r.Context()))
	return nil
}

// redisStatusTimeout bounds how long the status waits for Redis.
const redisStatusTimeout = 800 * time.Millisecond

func (s *Server) status(ctx context.Context) statusResponse {
	newest, oldest := s.history.window()
	ctx, cancel := context.WithTimeout(ctx, redisStatusTimeout)
	defer cancel()
	res := statusResponse{
		Build: s.Gateway.Build, Now: s.history.now().UTC(), StartedAt: s.Gateway.Started.UTC(), Draining: s.Draining(),
		Config:   configStatus{LastReload: "applied"},
		Requests: newRequestStatus(newest, oldest),
		Sessions: sessionStatus{
			Cached: newest.gauges[metricSessions], Watched: newest.gauges[metricStreams], Started: newest.gauges[metricStarted], Ended: newest.gauges[metricEnded],
		},
		Redis: s.redisStatus(ctx), Apps: []appStatus{},
	}
	if newest.gauges[metricReloadOK] == 0 {
		res.Config.LastReload = "refused"
	}
	if at := newest.gauges[metricReloadAt]; at > 0 {
		res.Config.AppliedAt = time.Unix(int64(at), 0).UTC()
	}
	for _, app := range s.WeChat.Status(ctx) {
		res.Apps = append(res.Apps, newAppStatus(app))
	}
	return res
}

func newRequestStatus(newest, oldest sample) requestStatus {
	d := newest.since(oldest)
	return requestStatus{
		WindowSeconds: d.seconds, PerSecond: d.perSecond(d.totalResponses()), P50: d.quantile(.5), P99: d.quantile(.99),
		Responses: withoutZeros(d.responses), Errors: withoutZeros(d.errors),
		InFlight: newest.gauges[metricInFlight], Sockets: newest.gauges[metricSockets],
		SinceStart: sinceStart{withoutZeros(newest.responses), withoutZeros(newest.errors)},
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
