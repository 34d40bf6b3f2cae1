// Package proxy is the http.Handler of the public listener. Package endpoint serves
// login and the gateway's other endpoints; every other request is forwarded to the
// backend of its route, with the caller's identity headers set.
//
// Gateway.requestSteps lists the steps of a request.
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

// Options are the dependencies of a Gateway; a reload does not change them. All but
// Tracer are required.
type Options struct {
	Sessions *session.Store
	WeChat   *wechat.Client
	Metrics  *Metrics
	Log      *zap.Logger
	Now      func() time.Time
	Tracer   trace.Tracer // nil: tracing is off
}

// Config is the configuration that a reload replaces.
type Config struct {
	Endpoints      endpoint.Config // of the gateway's own endpoints
	Routes         []*Route
	Identity       IdentityHeaders
	MaxHeader      int  // bytes of a request line and header
	LogAccess      bool // write the access log
	TrustedProxies TrustedProxies

	// PublicOrigins are the origins at which clients reach the gateway. Empty: the
	// scheme and Host of each request.
	PublicOrigins []httprule.Origin

	Web Web
}

// Gateway is the public http.Handler.
type Gateway struct {
	Options
	endpoints   *endpoint.Handler
	steps       []step
	access      accessLog
	current     atomic.Pointer[compiledConfig]
	tunnels     openTunnels
	keyFetches  keyFetches
	sentCookies sentCookies
	aborting    atomic.Bool // the drain time is over: open requests are being aborted

	rejectedCookies rejectedCookies
	missingProxy    missingProxyWarning
}

// compiledConfig is a Config with what is derived from it. A request uses one
// throughout, whatever is reloaded meanwhile.
type compiledConfig struct {
	Config
	table   *RouteTable
	headers *httprule.Headers
	origins []string // the CORS origins of all routes, for the gateway's own endpoints
}

// New returns a gateway that serves the config.
func New(o Options, c Config) *Gateway {
	g := &Gateway{Options: o, access: newAccessLog(o.Log), keyFetches: newKeyFetches(), sentCookies: newSentCookies()}
	g.endpoints = endpoint.New(endpoint.Options{
		Sessions: o.Sessions, WeChat: o.WeChat, Logins: o.Metrics.logins, Pushes: o.Metrics.pushes,
		Prefetches: o.Metrics.prefetches, Log: o.Log, Now: o.Now,
	}, c.Endpoints)
	g.steps = g.requestSteps()
	g.Configure(c)
	return g
}

// Configure replaces the configuration for new requests. Requests in flight keep the
// one that they started with.
func (g *Gateway) Configure(c Config) {
	g.endpoints.Configure(c.Endpoints)
	compiled := &compiledConfig{Config: c, table: NewRouteTable(c.Routes), headers: httprule.NewHeaders(c.Identity.names())}
	for _, rt := range c.Routes {
		rt.metrics = g.Metrics.route(rt.Name)
		compiled.origins = append(compiled.origins, rt.CORSOrigins...)
	}
	slices.Sort(compiled.origins)
	compiled.origins = slices.Compact(compiled.origins)
	g.current.Store(compiled)
}

// step is one step of serving a request. An error stops the request and becomes its
// response. A step that has responded itself sets requestContext.done.
type step struct {
	name string
	run  func(*requestContext) error
	// sideEffects: the step may respond, or changes something outside the request.
	// Explain skips it.
	sideEffects bool
}

// requestSteps returns the steps of every request, in order.
func (g *Gateway) requestSteps() []step {
	return []step{
		{name: "OPTIONS *", run: serveServerOptions, sideEffects: true},
		{name: "validate", run: validateRequest},
		{name: "route", run: g.route},
		{name: "own endpoint", run: g.serveEndpoint, sideEffects: true},
		{name: "cors", run: applyCORS, sideEffects: true},
		{name: "body", run: checkBody},
		{name: "upgrade", run: checkUpgrade},
		{name: "authenticate", run: g.authenticate},
		{name: "renew token", run: g.renewToken, sideEffects: true},
		{name: "rate limit", run: g.limitRate, sideEffects: true},
		{name: "requirements", run: checkRequirements},
		{name: "proof", run: g.checkProof, sideEffects: true},
		{name: "forward", run: g.forward, sideEffects: true},
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

// begin returns the context of a new request, with its client address and request id.
func (g *Gateway) begin(w http.ResponseWriter, r *http.Request) *requestContext {
	now := time.Now()
	rc := requestContexts.Get().(*requestContext)
	*rc = requestContext{
		requestRecord: requestRecord{config: g.current.Load(), start: now, id: httprule.RequestID(r.Header), routeName: noRouteName},
		w:             w, r: r, writeDeadlineSet: now,
	}
	rc.setClientAddress()
	g.missingProxy.check(rc, g.Log)
	rc.streamDeadline = startStreamDeadline(w, r)
	if r.ContentLength != 0 {
		// For a body that is read without requestBody; requestBody extends the deadline.
		_ = http.NewResponseController(w).SetReadDeadline(now.Add(bodyIdleTimeout))
	}
	g.Metrics.inFlight.Inc()
	g.startSpan(rc)
	return rc
}

// end finishes the request, unless a tunnel will finish it. A panic ends this request
// only; http.ErrAbortHandler aborts a response that has started.
func (g *Gateway) end(rc *requestContext) {
	if rc.detached {
		return
	}
	defer rc.streamDeadline.stop()
	panicked := recover()
	if panicked != nil && panicked != http.ErrAbortHandler {
		g.Log.Error("panic", zap.Any("panic", panicked), zap.String("request_id", rc.id), zap.Stack("stack"))
		if rc.status == 0 {
			rc.fail(internalError())
			panicked = nil
		}
		rc.gatewayError = internalError()
	}
	g.finish(rc.complete())
	if panicked != nil || rc.clientDisconnected() {
		panic(http.ErrAbortHandler)
	}
	if rc.reusable {
		*rc = requestContext{}
		requestContexts.Put(rc)
	}
}

var requestContexts = sync.Pool{New: func() any { return new(requestContext) }}

func internalError() *apierror.Error {
	return apierror.New(apierror.Internal, "something went wrong in the gateway")
}

// finish records the request in the metrics, the trace and the access log.
func (g *Gateway) finish(r *requestRecord) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	duration := time.Since(r.start)
	r.endSpan()
	g.Metrics.recordRequest(r, duration)
	g.access.write(r, duration)
}

// Drain waits until the open WebSockets have closed. When ctx ends it closes the rest.
// The server's Shutdown does the same for requests.
func (g *Gateway) Drain(ctx context.Context) { g.tunnels.drain(ctx) }

// AbortRequests is called before the server cancels the requests that are still open at
// the end of its shutdown. A request whose context ends after that is logged as aborted
// by the shutdown, not as closed by the client.
func (g *Gateway) AbortRequests() { g.aborting.Store(true) }
