package proxy

import "wxgate/proxy/ratelimit"

// limitRate applies the route's rate_limit: per user, or per client address if the
// request has no user.
func (g *Gateway) limitRate(rs *requestState) error {
	rate := rs.route.RateLimit
	if rate.Count == 0 {
		return nil
	}
	caller := "ip:" + ratelimit.Address(rs.client)
	if s := rs.session(); s != nil {
		caller = "user:" + ratelimit.User(s)
	}
	return ratelimit.Allow(rs.r.Context(), g.Sessions, "route:"+rs.route.Name+":"+caller, rate)
}
