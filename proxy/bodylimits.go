package proxy

import (
	"net/http"
	"time"
)

// bodyIdleTimeout is how long a client may send nothing in the middle of a body.
const bodyIdleTimeout = 30 * time.Second

// bodyLimits limits the time in which a client sends a body. They allow slow uploads, but
// no body that never arrives.
type bodyLimits struct {
	idle  time.Duration // between two bytes; 0: no limit
	total time.Duration // for the whole body; 0: no limit

	// minRate is the minimum average in bytes a second, checked after the first
	// rateGrace; 0: no minimum.
	minRate   float64
	rateGrace time.Duration
}

// minBodyRate is the minimum average rate of a body, in bytes a second.
const minBodyRate = 100

// endpointBodyLimits are the limits at the gateway's own endpoints.
func endpointBodyLimits() bodyLimits {
	return bodyLimits{idle: 10 * time.Second, total: 30 * time.Second, minRate: minBodyRate, rateGrace: 10 * time.Second}
}

// routeBodyLimits are the limits of a body that is forwarded. In HTTP/2 a slow body does
// not occupy a connection: one of unknown length may pause, and that of a gRPC call may
// be idle without limit.
func routeBodyLimits(r *http.Request) bodyLimits {
	limits := bodyLimits{idle: bodyIdleTimeout, minRate: minBodyRate, rateGrace: bodyIdleTimeout}
	if r.ProtoMajor < 2 || r.ContentLength > 0 {
		return limits
	}
	limits.minRate = 0
	if isGRPC(r.Header.Get("Content-Type")) {
		limits.idle = 0
	}
	return limits
}
