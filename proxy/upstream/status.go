package upstream

import "time"

// TargetStatus is the state of one address of a target.
type TargetStatus struct {
	URL          string    `json:"url"`                    // as configured
	Address      string    `json:"address"`                // host:port that is dialled
	Healthy      bool      `json:"healthy"`                // by the active checks
	EjectedUntil time.Time `json:"ejected_until,omitzero"` // by ejection; in the past: half-open
	InFlight     int       `json:"in_flight"`              // requests and streams
	Weight       int       `json:"weight"`

	LastFailure   string    `json:"last_failure,omitempty"` // reason and error
	LastFailureAt time.Time `json:"last_failure_at,omitzero"`
}

// Health returns the state as one word: healthy, unhealthy (by the active checks),
// ejected or half_open.
func (s TargetStatus) Health(now time.Time) string {
	switch {
	case !s.Healthy:
		return "unhealthy"
	case s.EjectedUntil.IsZero():
		return "healthy"
	case now.Before(s.EjectedUntil):
		return "ejected"
	}
	return "half_open"
}

// Available reports whether the target is healthy and not ejected.
func (s TargetStatus) Available() bool { return s.Healthy && s.EjectedUntil.IsZero() }

// Status returns the state of all addresses of all targets, in the order of the
// configuration.
func (g *Group) Status() []TargetStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]TargetStatus, len(g.endpoints))
	for i, ep := range g.endpoints {
		all[i] = ep.status()
	}
	return all
}

func (ep *endpoint) status() TargetStatus {
	s := TargetStatus{
		URL: ep.target.String(), Address: ep.dialAddrs[0],
		Healthy: !ep.unhealthy.Load(), EjectedUntil: ep.ejection.ejectedUntil(),
		InFlight: int(ep.inFlight.Load()), Weight: ep.weight,
	}
	if f := ep.lastFailure.Load(); f != nil {
		s.LastFailure, s.LastFailureAt = f.reason+": "+f.err.Error(), f.at
	}
	return s
}
