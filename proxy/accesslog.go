package proxy

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// accessLog writes one line for each request.
type accessLog struct {
	all      *zap.Logger
	rejected *zap.Logger // for requests that the gateway rejected: sampled
}

// Rejected requests are all logged up to rejectedPerSecond, and above that one in
// rejectedSampling: a flood must not fill the disk. The metrics count every request.
const (
	rejectedPerSecond = 1000
	rejectedSampling  = 100
)

func newAccessLog(log *zap.Logger) accessLog {
	all := log.Named("access")
	return accessLog{all: all, rejected: all.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, time.Second, rejectedPerSecond, rejectedSampling)
	}))}
}

func (l accessLog) write(rc *requestContext, duration time.Duration) {
	if !rc.config.LogAccess {
		return
	}
	log, level := l.all, zapcore.InfoLevel
	if rc.gatewayError != nil && rc.status < 500 {
		log = l.rejected
	}
	if rc.status >= 500 {
		level = zapcore.WarnLevel
	}
	entry := log.Check(level, "request")
	if entry == nil {
		return
	}
	room := logFieldArrays.Get().(*logFieldArray)
	defer logFieldArrays.Put(room)
	entry.Write(rc.logFields(room, duration)...)
}

// logFields returns the fields of the access log, as docs/operations.md documents them, in
// room's memory.
func (rc *requestContext) logFields(room *logFieldArray, duration time.Duration) []zap.Field {
	r := rc.r
	fields := append(room[:0],
		zap.String("method", truncate(r.Method, 32)),
		zap.String("host", truncate(r.Host, maxLoggedHost)),
		zap.String("path", truncate(rc.config.Endpoints.LoggedPath(r.URL.Path), maxLoggedPath)),
		zap.String("route", rc.routeName),
		zap.Int("status", rc.status),
		zap.Duration("duration", duration),
		zap.Int64("bytes", rc.bytes),
		zap.String("request_id", rc.id),
		zap.String("client", rc.clientText),
		zap.String("user_agent", truncate(lastValue(r.Header["User-Agent"]), maxLoggedAgent)))
	if id := rc.traceID(); id != "" {
		fields = append(fields, zap.String("trace_id", id))
	}
	if rc.upstreamAddr != "" {
		fields = append(fields, zap.String("upstream", rc.upstreamAddr))
	}
	if rc.upstreamTime > 0 {
		fields = append(fields, zap.Duration("upstream_duration", rc.upstreamTime))
	}
	if s := rc.session(); s != nil {
		fields = append(fields, zap.String("openid", s.OpenID), zap.String("appid", s.AppID))
	}
	if rc.gatewayError != nil {
		fields = append(fields, zap.String("error", string(rc.gatewayError.Code)))
		if rc.gatewayError.Cause != nil {
			fields = append(fields, zap.NamedError("cause", rc.gatewayError.Cause))
		}
	}
	return fields
}

type logFieldArray [20]zap.Field

var logFieldArrays = sync.Pool{New: func() any { return new(logFieldArray) }}

// Limits of the fields that a client chooses, in bytes.
const (
	maxLoggedPath  = 1024
	maxLoggedHost  = 255
	maxLoggedAgent = 256
)

func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
