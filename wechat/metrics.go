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
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	refresh  *prometheus.CounterVec
	breakers *prometheus.GaugeVec
}

// Outcomes of asking WeChat for an access token.
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
			Help: "Calls to the WeChat API by errcode: 0 is success, none is no proper answer.",
		}, []string{"api", "errcode"}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "wxgate_wechat_call_duration_seconds",
			Help:    "Time until WeChat's answer was read; for a relay, until it began.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"api"}),
		refresh: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_wechat_token_refreshes_total",
			Help: "Times that WeChat was asked for an access token: new, same, forced, failed.",
		}, []string{"appid", "outcome"}),
		breakers: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wxgate_wechat_breaker_state",
			Help: "Circuit breaker: 0 closed, 1 half-open, 2 open.",
		}, []string{"appid", "class"}),
	}
}

func (m *metrics) call(api string, took time.Duration, err error) {
	m.calls.WithLabelValues(api, errcodeLabel(err)).Inc()
	m.duration.WithLabelValues(api).Observe(took.Seconds())
}

func (m *metrics) breaker(appid string, b bulkhead, s gobreaker.State) {
	m.breakers.WithLabelValues(appid, string(b)).Set(float64(s))
}

// forget drops what was counted for apps that are no longer configured.
func (m *metrics) forget(old, apps map[string]*app) {
	for id := range old {
		if apps[id] == nil {
			m.breakers.DeletePartialMatch(prometheus.Labels{"appid": id})
			m.refresh.DeletePartialMatch(prometheus.Labels{"appid": id})
		}
	}
}

// errcodeLabel keeps the label bounded: WeChat has hundreds of codes.
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

func (m *metrics) refreshed(appid, outcome string) {
	m.refresh.WithLabelValues(appid, outcome).Inc()
}
