package proxy

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"wxgate/apierror"
	"wxgate/session"
)

// Explanation is the result of Gateway.Explain: how the gateway would handle a request.
type Explanation struct {
	Own     bool             // one of the gateway's own endpoints serves it
	Route   *Route           // nil: no route matches, or Own
	Target  *url.URL         // the path and query that the backend would get
	Session *session.Session // the session of the token; nil: anonymous
	Expires time.Time        // the expiry of the token
	Headers http.Header      // the identity headers that the backend would get
	Refusal *apierror.Error  // the error response; nil: the request would be served

	LoggedPath string          // the path as in the access log
	Steps      []ExplainedStep // up to the one that refused the request
}

// ExplainedStep is a step with its outcome.
type ExplainedStep struct {
	Name    string
	Outcome StepOutcome
}

// StepOutcome is the outcome of a step.
type StepOutcome string

const (
	StepPassed  StepOutcome = "passed"
	StepRefused StepOutcome = "refused"
	StepSkipped StepOutcome = "skipped" // it may respond, sends the request to the backend, or counts against a limit
)

// Explain runs the steps of ServeHTTP except those with side effects: nothing is sent to
// a backend, and no limit is counted.
func (g *Gateway) Explain(ctx context.Context, r *http.Request) Explanation {
	rs := &requestState{requestRecord: requestRecord{config: g.current.Load()}, r: r.WithContext(ctx)}
	rs.setClientAddress()
	e := Explanation{Headers: http.Header{}, LoggedPath: rs.config.Endpoints.LoggedPath(r.URL.Path)}
	e.Steps, e.Refusal = g.explainSteps(rs)
	e.Own, e.Route = rs.ownEndpoint, rs.route
	if rs.route != nil {
		target := rs.route.backendURL(r.URL)
		e.Target = &target
	}
	if s := rs.session(); s != nil {
		e.Session, e.Expires = s, rs.auth.ExpiresAt
		var h outboundHeader
		rs.config.Identity.set(&h, s)
		e.Headers = h.Header()
	}
	return e
}

// explainSteps runs the steps up to the first that refuses the request, and returns its
// error.
func (g *Gateway) explainSteps(rs *requestState) (steps []ExplainedStep, refusal *apierror.Error) {
	for _, s := range g.steps {
		if rs.ownEndpoint {
			break
		}
		if s.sideEffects {
			steps = append(steps, ExplainedStep{s.name, StepSkipped})
			continue
		}
		if err := s.run(rs); err != nil {
			return append(steps, ExplainedStep{s.name, StepRefused}), apierror.From(err)
		}
		steps = append(steps, ExplainedStep{s.name, StepPassed})
	}
	return steps, nil
}
