package proxy

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// accessLog writes one line a request.
type accessLog struct {
	all      *zap.Logger
	refusals *zap.Logger // for what the gateway refused, sampled
}

// Refused requests are logged in full up to so many a second, then one in so
// many: a flood must not fill the disk. The counters stay exact.
const (
	refusalsPerSecond  = 1000
	refusalsThereafter = 100
)

func newAccessLog(log *zap.Logger) accessLog {
	all := log.Named("access")
	return accessLog{all, all.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, time.Second, refusalsPerSecond, refusalsThereafter)
	}))}
}

func (l accessLog) write(rc *requestContext, took time.Duration) {
	if !rc.state.LogAccess {
		return
	}
	log, level := l.all, zapcore.InfoLevel
	if rc.refusal != nil && rc.status < 500 {
		log = l.refusals
	}
	if rc.status >= 500 {
		level = zapcore.WarnLevel
	}
	entry := log.Check(level, "request")
	if entry == nil {
		return
	}
	list := fieldLists.Get().(*fieldList)
	defer fieldLists.Put(list)
	entry.Write(rc.logFields(list, took)...)
}

// logFields are the line's fields, as the access log is documented to have
// them.
func (rc *requestContext) logFields(list *fieldList, took time.Duration) []zap.Field {
	r := rc.r
	fields := append(list[:0],
		zap.String("method", clip(r.Method, 32)),
		zap.String("host", clip(r.Host, maxLoggedHost)),
		zap.String("path", clip(rc.state.Endpoints.LoggedPath(r.URL.Path), maxLoggedPath)),
		zap.String("route", rc.routeName),
		zap.Int("status", rc.status),
		zap.Duration("duration", took),
		zap.Int64("bytes", rc.bytes),
		zap.String("request_id", rc.id),
		zap.String("client", rc.clientText),
		zap.String("user_agent", clip(lastValue(r.Header["User-Agent"]), maxLoggedAgent)))
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
	if rc.refusal != nil {
		fields = append(fields, zap.String("error", string(rc.refusal.Code)))
		if rc.refusal.Cause != nil {
			fields = append(fields, zap.NamedError("cause", rc.refusal.Cause))
		}
	}
	return fields
}

type fieldList [20]zap.Field

// fieldLists holds the arrays that lines are put together in.
var fieldLists = sync.Pool{New: func() any { return new(fieldList) }}

// What a client can make the gateway write, in bytes.
const (
	maxLoggedPath  = 1024
	maxLoggedHost  = 255
	maxLoggedAgent = 256
)

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
