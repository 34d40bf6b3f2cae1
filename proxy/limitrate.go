package proxy

import "wxgate/proxy/ratelimit"

// limitRate holds a caller to the route's rate: by user, by address where
// there is none.
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
