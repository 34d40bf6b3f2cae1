package proxy

import (
	"context"
	"net/netip"
	"time"

	"wxgate/apierror"
	"wxgate/session"
)

// limitRate holds a caller to the route's rate: by user, by address where
// there is none.
func (g *Gateway) limitRate(x *exchange) error {
	rate := x.route.RateLimit
	if rate.Count == 0 {
		return nil
	}
	who := "ip:" + addressKey(x.client)
	if s := x.session(); s != nil {
		who = "user:" + s.AppID + ":" + s.OpenID
	}
	return g.allow(x.r.Context(), "route:"+x.route.Name+":"+who, rate)
}

// allow gives a rate_limited fault where key has used up its rate.
func (g *Gateway) allow(ctx context.Context, key string, rate session.Rate) error {
	if rate.Count == 0 {
		return nil
	}
	wait, ok := g.Sessions.Allow(ctx, key, rate)
	if ok {
		return nil
	}
	f := apierror.New(apierror.RateLimited, "too many requests, try later")
	f.RetryAfter = max(wait, time.Second)
	return f
}

// addressKey is what counts as one address: an IPv6 client has its whole /64.
func addressKey(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addrText(a)
}
