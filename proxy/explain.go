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

	LoggedPath string          // the path as the access log would have it
	Steps      []ExplainedStep // as far as they were tried
}

// ExplainedStep is a step of the request's way, and what it came to.
type ExplainedStep struct {
	Name    string
	Outcome StepOutcome
}

// StepOutcome is what a step came to.
type StepOutcome string

const (
	StepPassed  StepOutcome = "passed"
	StepRefused StepOutcome = "refused"
	StepSkipped StepOutcome = "skipped" // it answers, asks the backend, or counts against a limit
)

// Explain takes a request the way of ServeHTTP, but for the steps that answer,
// ask the backend or count against a limit.
func (g *Gateway) Explain(ctx context.Context, r *http.Request) Explanation {
	rc := &requestContext{r: r.WithContext(ctx), config: g.current.Load()}
	rc.setClient()
	e := Explanation{Headers: http.Header{}, LoggedPath: rc.config.Endpoints.LoggedPath(r.URL.Path)}
	e.Steps, e.Refusal = g.explainSteps(rc)
	e.Own, e.Route = rc.ownEndpoint, rc.route
	if rc.route != nil {
		target := rc.route.target(r.URL)
		e.Target = &target
	}
	if s := rc.session(); s != nil {
		e.Session, e.Expires = s, rc.auth.ExpiresAt
		var h outHeader
		rc.config.Identity.set(&h, s)
		e.Headers = h.Header()
	}
	return e
}

// explainSteps runs the steps up to the first that refuses the request.
func (g *Gateway) explainSteps(rc *requestContext) (steps []ExplainedStep, refusal *apierror.Error) {
	for _, s := range g.steps {
		if rc.ownEndpoint {
			break
		}
		if s.changes {
			steps = append(steps, ExplainedStep{s.name, StepSkipped})
			continue
		}
		if err := s.run(rc); err != nil {
			return append(steps, ExplainedStep{s.name, StepRefused}), apierror.From(err)
		}
		steps = append(steps, ExplainedStep{s.name, StepPassed})
	}
	return steps, nil
}
