package upstream

import "slices"

// pick chooses an endpoint that the request hasn't tried, and counts the request as in
// flight there.
func (g *Group) pick(a *attempts) (*endpoint, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	candidates := g.candidates(a)
	if len(candidates) == 0 {
		return nil, ErrNoHealthy
	}
	ep := choose(g.config.Balance, a.hashKey, candidates)
	ep.ejection.recordSent(a.startedAt)
	ep.acquire()
	return ep, nil
}

// candidates returns the endpoints that the request may be sent to. If all of them
// are ejected, ejection is disregarded: a backend that may respond is better than none,
// and its first success ends its ejection.
func (g *Group) candidates(a *attempts) []*endpoint {
	g.candidateBuf = g.candidateBuf[:0]
	for _, ep := range g.endpoints {
		if ep.ejection.allows(a.startedAt) && a.mayTry(ep) {
			g.candidateBuf = append(g.candidateBuf, ep)
		}
	}
	if len(g.candidateBuf) > 0 {
		return g.candidateBuf
	}
	for _, ep := range g.endpoints {
		if a.mayTry(ep) {
			g.candidateBuf = append(g.candidateBuf, ep)
		}
	}
	return g.candidateBuf
}

// mayTry reports whether the endpoint is healthy and this request hasn't failed there.
func (a *attempts) mayTry(ep *endpoint) bool {
	return !ep.unhealthy.Load() && !slices.Contains(a.tried, ep)
}
