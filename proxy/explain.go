package proxy

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"wxgate/apierror"
	"wxgate/session"
)

// Explanation says what would become of a request, and why.
type Explanation struct {
	Own     bool             // the gateway answers itself
	Route   *Route           // who takes it; nil: nobody, or the gateway itself
	Target  *url.URL         // the path and query that the backend would get
	Session *session.Session // whose token came with it; nil: nobody's
	Expires time.Time        // the token's end
	Headers http.Header      // what the backend would be told of the caller
	Refusal *apierror.Error  // nil: it is let through

	LoggedPath string // the path as the access log would have it
}

// Explain takes a request the way of ServeHTTP, but for the steps that answer,
// ask the backend or count against a limit.
func (g *Gateway) Explain(ctx context.Context, r *http.Request) Explanation {
	rc := &requestContext{r: r.WithContext(ctx), state: g.current.Load()}
	rc.setClient()
	var refusal *apierror.Error
	for _, s := range g.steps {
		if s.changes || rc.own {
			continue
		}
		if err := s.run(rc); err != nil {
			refusal = apierror.From(err)
			break
		}
	}
	e := Explanation{Own: rc.own, Route: rc.route, Headers: http.Header{}, Refusal: refusal, LoggedPath: rc.state.Endpoints.LoggedPath(r.URL.Path)}
	if rc.route != nil {
		e.Target = rc.route.target(r.URL)
	}
	if s := rc.session(); s != nil {
		e.Session, e.Expires = s, rc.grant.ExpiresAt
		var h outHeader
		rc.state.Identity.set(&h, s)
		e.Headers = h.Header()
	}
	return e
}
