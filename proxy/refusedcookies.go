package proxy

import (
	"strings"
	"sync"

	"go.uber.org/zap"
)

// maxReportedCookies bounds what is remembered of cookies that were reported.
const maxReportedCookies = 1000

// refusedCookies remembers which cookies of backends were reported as such that
// can't be kept: one line each, not one a request.
type refusedCookies struct {
	mu       sync.Mutex
	reported map[string]struct{}
}

// report logs the cookie's name and why, once for each route. A value is never
// logged.
func (r *refusedCookies) report(log *zap.Logger, route, line, reason string) {
	pair, _, _ := strings.Cut(line, ";")
	name, _, _ := strings.Cut(pair, "=")
	name = truncate(trimBlank(name), 128)
	if r.first(route + "\x00" + name + "\x00" + reason) {
		log.Warn("a backend's cookie can't be kept", zap.String("route", route), zap.String("cookie", name), zap.String("reason", reason))
	}
}

func (r *refusedCookies) first(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.reported[key]; known || len(r.reported) >= maxReportedCookies {
		return false
	}
	if r.reported == nil {
		r.reported = map[string]struct{}{}
	}
	r.reported[key] = struct{}{}
	return true
}
