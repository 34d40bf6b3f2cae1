// Package proxy is the http.Handler of the public listener. Package endpoint serves
// login and the gateway's other endpoints; every other request is forwarded to the
// backend of its route, with the caller's identity headers set.
//
// Gateway.requestSteps lists the steps of a request.
package proxy

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

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

// Drain waits until the open WebSockets have closed. When ctx ends it closes the rest.
// The server's Shutdown does the same for requests.
func (g *Gateway) Drain(ctx context.Context) { g.tunnels.drain(ctx) }

// AbortRequests is called before the server cancels the requests that are still open at
// the end of its shutdown. A request whose context ends after that is logged as aborted
// by the shutdown, not as closed by the client.
func (g *Gateway) AbortRequests() { g.aborting.Store(true) }
