package upstream

import "slices"

// pick chooses an endpoint that the request hasn't tried, and counts the request as in
// flight there.
func (g *Group) pick(cs *callState) (*endpoint, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	candidates := g.candidates(cs)
	if len(candidates) == 0 {
		return nil, ErrNoHealthy
	}
	ep := choose(g.config.Balance, cs.hashKey, candidates)
	ep.ejection.recordSent(cs.startedAt)
	ep.acquire()
	return ep, nil
}

// candidates returns the endpoints that the request may be sent to. If all of them
// are ejected, ejection is disregarded: a backend that may respond is better than none,
// and its first success ends its ejection.
func (g *Group) candidates(cs *callState) []*endpoint {
	g.candidateBuf = g.candidateBuf[:0]
	for _, ep := range g.endpoints {
		if ep.ejection.allows(cs.startedAt) && cs.mayTry(ep) {
			g.candidateBuf = append(g.candidateBuf, ep)
		}
	}
	if len(g.candidateBuf) > 0 {
		return g.candidateBuf
	}
	for _, ep := range g.endpoints {
		if cs.mayTry(ep) {
			g.candidateBuf = append(g.candidateBuf, ep)
		}
	}
	return g.candidateBuf
}

// mayTry reports whether the endpoint is healthy and this request hasn't failed there.
func (cs *callState) mayTry(ep *endpoint) bool {
	return !ep.unhealthy.Load() && !slices.Contains(cs.tried, ep)
}
