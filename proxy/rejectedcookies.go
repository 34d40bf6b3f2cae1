package proxy

import (
	"strings"
	"sync"

	"go.uber.org/zap"
)

// maxReportedCookies limits the number of cookies in rejectedCookies.reported.
const maxReportedCookies = 1000

// rejectedCookies logs the cookies that the jar rejects, each of them once and not at
// every request.
type rejectedCookies struct {
	mu       sync.Mutex
	reported map[string]struct{}
}

// report logs the cookie's name and the reason, once for each route. It never logs the
// value.
func (r *rejectedCookies) report(log *zap.Logger, route, line, reason string) {
	pair, _, _ := strings.Cut(line, ";")
	name, _, _ := strings.Cut(pair, "=")
	name = truncate(trimWSP(name), 128)
	if r.isNew(route + "\x00" + name + "\x00" + reason) {
		log.Warn("the cookie jar rejects a cookie of a backend", zap.String("route", route), zap.String("cookie", name), zap.String("reason", reason))
	}
}

// isNew reports whether key was not reported before, and records it.
func (r *rejectedCookies) isNew(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.reported[key]; ok || len(r.reported) >= maxReportedCookies {
		return false
	}
	if r.reported == nil {
		r.reported = map[string]struct{}{}
	}
	r.reported[key] = struct{}{}
	return true
}
