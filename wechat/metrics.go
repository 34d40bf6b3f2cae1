package wechat

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sony/gobreaker/v2"
)

type metrics struct {
	calls     *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	refreshes *prometheus.CounterVec
	breakers  *prometheus.GaugeVec
}

// Outcomes of a call of stable_token.
const (
	refreshNew    = "new"
	refreshSame   = "same"
	refreshForced = "forced"
	refreshFailed = "failed"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_wechat_calls_total",
			Help: "Calls to the WeChat API by errcode: 0 is success, none is no valid response.",
		}, []string{"api", "errcode"}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "wxgate_wechat_call_duration_seconds",
			Help:    "Time until the response was read; for a relay, until its header was.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"api"}),
		refreshes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_wechat_token_refreshes_total",
			Help: "Calls of stable_token by outcome: new, same or forced token, or failed.",
		}, []string{"appid", "outcome"}),
		breakers: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wxgate_wechat_breaker_state",
			Help: "State of the circuit breaker: 0 closed, 1 half-open, 2 open.",
		}, []string{"appid", "class"}),
	}
}

func (m *metrics) recordCall(api string, duration time.Duration, err error) {
	m.calls.WithLabelValues(api, errcodeLabel(err)).Inc()
	m.duration.WithLabelValues(api).Observe(duration.Seconds())
}

func (m *metrics) recordBreakerState(appid string, b bulkhead, s gobreaker.State) {
	m.breakers.WithLabelValues(appid, string(b)).Set(float64(s))
}

// deleteRemovedApps deletes the series of apps that are no longer configured.
func (m *metrics) deleteRemovedApps(old, apps map[string]*app) {
	for id := range old {
		if apps[id] == nil {
			m.breakers.DeletePartialMatch(prometheus.Labels{"appid": id})
			m.refreshes.DeletePartialMatch(prometheus.Labels{"appid": id})
		}
	}
}

// errcodeLabel limits the number of label values: WeChat has hundreds of errcodes.
func errcodeLabel(err error) string {
	if err == nil {
		return "0"
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code == 0 {
		return "none"
	}
	switch e.Code {
	case codeBusy, codeNoSuchData, codeBadCredential, codeBadOpenID, codeBadAppID, codeBadToken, codeInvalidCode,
		codeBadSecret, codeUsedCode, codeBadIP, codeBlocked, codeSecretFrozen, codeNoAppID, codeNoSecret,
		codeNoCode, codeTokenExpired, codeQuota, codeRateLimited, codeNotAuthorised, codeWrongSignature:
		return strconv.Itoa(e.Code)
	}
	return "other"
}

func (m *metrics) recordRefresh(appid, outcome string) {
	m.refreshes.WithLabelValues(appid, outcome).Inc()
}
