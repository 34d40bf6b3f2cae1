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

func (l accessLog) write(r *requestRecord, duration time.Duration) {
	if !r.config.LogAccess {
		return
	}
	log, level := l.all, zapcore.InfoLevel
	if r.gatewayError != nil && r.status < 500 {
		log = l.rejected
	}
	if r.status >= 500 {
		level = zapcore.WarnLevel
	}
	entry := log.Check(level, "request")
	if entry == nil {
		return
	}
	fields := logFieldArrays.Get().(*logFieldArray)
	defer logFieldArrays.Put(fields)
	entry.Write(r.logFields(fields, duration)...)
}

// logFields returns the fields of the access log, as docs/operations.md documents them, in
// the memory of buf.
func (r *requestRecord) logFields(buf *logFieldArray, duration time.Duration) []zap.Field {
	fields := append(buf[:0],
		zap.String("method", truncate(r.method, 32)),
		zap.String("host", truncate(r.hostField, maxLoggedHost)),
		zap.String("path", truncate(r.config.Endpoints.LoggedPath(r.path), maxLoggedPath)),
		zap.String("route", r.routeName),
		zap.Int("status", r.status),
		zap.Duration("duration", duration),
		zap.Int64("bytes", r.bytes),
		zap.String("request_id", r.id),
		zap.String("client", r.clientText),
		zap.String("user_agent", truncate(r.userAgent, maxLoggedAgent)))
	if id := r.traceID(); id != "" {
		fields = append(fields, zap.String("trace_id", id))
	}
	if r.upstreamAddr != "" {
		fields = append(fields, zap.String("upstream", r.upstreamAddr))
	}
	if r.upstreamTime > 0 {
		fields = append(fields, zap.Duration("upstream_duration", r.upstreamTime))
	}
	if r.openID != "" {
		fields = append(fields, zap.String("openid", r.openID), zap.String("appid", r.appID))
	}
	if r.gatewayError != nil {
		fields = append(fields, zap.String("error", string(r.gatewayError.Code)))
		if r.gatewayError.Cause != nil {
			fields = append(fields, zap.NamedError("cause", r.gatewayError.Cause))
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
