package proxy

import "wxgate/proxy/ratelimit"

// limitRate applies the route's rate_limit: per user, or per client address where the
// request has no user.
func (g *Gateway) limitRate(rc *requestContext) error {
	rate := rc.route.RateLimit
	if rate.Count == 0 {
		return nil
	}
	caller := "ip:" + ratelimit.Address(rc.client)
	if s := rc.session(); s != nil {
		caller = "user:" + ratelimit.User(s)
	}
	return ratelimit.Allow(rc.r.Context(), g.Sessions, "route:"+rc.route.Name+":"+caller, rate)
}
