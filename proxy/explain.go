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
}

// Explain takes a request the way of ServeHTTP as far as the backend, which is
// not asked. Rate limits are not touched.
func (g *Gateway) Explain(ctx context.Context, r *http.Request) Explanation {
	st := g.current.Load()
	x := &exchange{r: r.WithContext(ctx), peer: peerOf(r)}
	x.client = x.peer
	if f := x.admit(st.MaxHeader); f != nil {
		return Explanation{Refusal: f}
	}
	if st.ownsPath(r.URL.Path) {
		return Explanation{Own: true}
	}
	if f := x.findRoute(st.table); f != nil {
		return Explanation{Refusal: f}
	}
	e := Explanation{Route: x.route, Target: x.route.target(r.URL), Headers: http.Header{}}
	for _, step := range []func(*exchange) error{checkBody, g.authenticate, checkRequirements} {
		if err := step(x); err != nil {
			e.Refusal = apierror.From(err)
			break
		}
	}
	if s := x.session(); s != nil {
		e.Session, e.Expires = s, x.grant.ExpiresAt
		st.Identity.set(&outHeader{Header: e.Headers}, s)
	}
	return e
}
