// Package proxy is the gateway's public face: the http.Handler that mini
// programs talk to. It answers login and its kin by package endpoint, and sends
// every other request to the backend of its route, with the caller's identity
// set.
//
// The steps of a request are the list in Gateway.steps.
package proxy

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/endpoint"
	"wxgate/session"
	"wxgate/wechat"
)

// Options are the dependencies of a Gateway, for its whole life. All but Tracer are
// required.
type Options struct {
	Sessions *session.Store
	WeChat   *wechat.Client
	Metrics  *Metrics
	Log      *zap.Logger
	Now      func() time.Time
	Tracer   trace.Tracer // nil: no traces
}

// Config is what a reload may change.
type Config struct {
	Endpoints endpoint.Config // the gateway's own
	Routes    []*Route
	Identity  Identity
	MaxHeader int  // bytes of a request's line and header
	LogAccess bool // one line a request
	Proxies   Proxies

	// PublicOrigins is where clients reach the gateway. Empty: the request's
	// own scheme and Host.
	PublicOrigins []httprule.Origin

	Web Web
}

// Gateway is the public http.Handler.
type Gateway struct {
	Options
	endpoints  *endpoint.Handler
	steps      []step
	access     accessLog
	current    atomic.Pointer[compiledConfig]
	tunnels    openTunnels
	keyFetches keyFetches
	cookies    sentCookies
	stopping   atomic.Bool // requests are being cut off

	refusedCookies      refusedCookies
	untrustedForwarding untrustedForwarding
}

// compiledConfig is a Config with what is derived from it. A request uses one
// throughout, whatever is reloaded meanwhile.
type compiledConfig struct {
	Config
	table   *Table
	headers *httprule.Headers
	origins []string // of all routes, for the gateway's own endpoints
}

// New makes a gateway that serves the config.
func New(o Options, c Config) *Gateway {
	g := &Gateway{Options: o, access: newAccessLog(o.Log), keyFetches: newKeyFetches(), cookies: newSentCookies()}
	g.endpoints = endpoint.New(endpoint.Options{
		Sessions: o.Sessions, WeChat: o.WeChat, Logins: o.Metrics.logins, Pushes: o.Metrics.pushes,
		Prefetches: o.Metrics.prefetches, Log: o.Log, Now: o.Now,
	}, c.Endpoints)
	g.steps = g.requestSteps()
	g.Configure(c)
	return g
}

// Configure puts another config in force for the requests to come; those in
// flight end as they began.
func (g *Gateway) Configure(c Config) {
	g.endpoints.Configure(c.Endpoints)
	st := &compiledConfig{Config: c, table: NewTable(c.Routes), headers: httprule.NewHeaders(c.Identity.names())}
	for _, rt := range c.Routes {
		rt.metrics = g.Metrics.route(rt.Name)
		st.origins = append(st.origins, rt.CORSOrigins...)
	}
	slices.Sort(st.origins)
	st.origins = slices.Compact(st.origins)
	g.current.Store(st)
}

// step is one stage of a request's way. An error ends the way and becomes the
// answer; a step that has answered sets done.
type step struct {
	name string
	run  func(*requestContext) error
	// changes: the step answers or has effects outside of the request, so that
	// Explain leaves it out.
	changes bool
}

// requestSteps are the steps of every request, in order.
func (g *Gateway) requestSteps() []step {
	return []step{
		{name: "options of the server", run: answerAsterisk, changes: true},
		{name: "admit", run: admit},
		{name: "route", run: g.route},
		{name: "own endpoint", run: g.serveEndpoint, changes: true},
		{name: "cors", run: answerCORS, changes: true},
		{name: "body", run: checkBody},
		{name: "upgrade", run: checkUpgrade},
		{name: "authenticate", run: g.authenticate},
		{name: "renew token", run: g.renewToken, changes: true},
		{name: "rate limit", run: g.limitRate, changes: true},
		{name: "requirements", run: checkRequirements},
		{name: "proof", run: g.checkProof, changes: true},
		{name: "forward", run: g.forward, changes: true},
	}
}

// ServeHTTP runs the steps.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rc := g.begin(w, r)
	defer g.end(rc)
	for _, s := range g.steps {
		if err := s.run(rc); err != nil {
			rc.fail(err)
			return
		}
		if rc.done {
			return
		}
	}
}

// begin records peer, client address and request id.
func (g *Gateway) begin(w http.ResponseWriter, r *http.Request) *requestContext {
	now := time.Now()
	rc := requestContexts.Get().(*requestContext)
	*rc = requestContext{
		w: w, r: r, config: g.current.Load(), start: now, writeDeadlineSet: now, routeName: noRouteName,
		id: httprule.RequestID(r.Header),
	}
	rc.setClient()
	g.untrustedForwarding.check(rc, g.Log)
	rc.streamDeadline = startStreamDeadline(w, r)
	if r.ContentLength != 0 {
		// For steps that read the body by themselves; requestBody moves it on.
		_ = http.NewResponseController(w).SetReadDeadline(now.Add(bodyStall))
	}
	g.Metrics.inFlight.Inc()
	g.startSpan(rc)
	return rc
}

// end finishes the request, unless a tunnel goes on and will. A panic costs
// its own request only; http.ErrAbortHandler is how an answer is broken off.
func (g *Gateway) end(rc *requestContext) {
	if rc.detached {
		return
	}
	defer rc.streamDeadline.stop()
	crash := recover()
	if crash != nil && crash != http.ErrAbortHandler {
		g.Log.Error("panic", zap.Any("panic", crash), zap.String("request_id", rc.id), zap.Stack("stack"))
		if rc.status == 0 {
			rc.fail(internalError())
			crash = nil
		}
		rc.gatewayError = internalError()
	}
	g.finish(rc)
	if crash != nil || rc.clientDisconnected() {
		panic(http.ErrAbortHandler)
	}
	if rc.reusable {
		*rc = requestContext{}
		requestContexts.Put(rc)
	}
}

// requestContexts holds what was left of requests that are over.
var requestContexts = sync.Pool{New: func() any { return new(requestContext) }}

func internalError() *apierror.Error {
	return apierror.New(apierror.Internal, "something went wrong in the gateway")
}

// finish counts the request and writes its line of the access log.
func (g *Gateway) finish(rc *requestContext) {
	if rc.status == 0 {
		rc.status = http.StatusOK
	}
	took := time.Since(rc.start)
	rc.endSpan()
	g.Metrics.count(rc, took)
	g.access.write(rc, took)
}

// Drain waits for open WebSockets until ctx ends, then closes them. The
// server's own Shutdown does the same for requests.
func (g *Gateway) Drain(ctx context.Context) { g.tunnels.drain(ctx) }

// Interrupt says that what is still in flight is about to be cut off: requests
// whose context ends from now on are logged as cut by the gateway's stop, not
// as given up by their clients.
func (g *Gateway) Interrupt() { g.stopping.Store(true) }
