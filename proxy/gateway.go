// Package proxy is the gateway's public face: the http.Handler that mini
// programs talk to. It answers login and its kin by itself, and sends every
// other request to the backend of its route, with the caller's identity set.
//
// The way of a request stands in Gateway.ServeHTTP, one line a step.
package proxy

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/session"
	"wxgate/wechat"
)

// Options is what a Gateway stands on for its whole life. All are required.
type Options struct {
	Sessions *session.Store
	WeChat   *wechat.Client
	Metrics  *Metrics
	Log      *zap.Logger
	Now      func() time.Time
}

// Config is what a reload may change.
type Config struct {
	AuthPrefix string // where the gateway's own endpoints live, e.g. /auth
	Routes     []*Route
	Identity   Identity
	Apps       []string // appids that may log in
	LoginPerIP session.Rate
	Hook       Hook // zero: none
	MaxHeader  int  // bytes of a request's line and header
	Proxies    Proxies
}

// Gateway is the public http.Handler.
type Gateway struct {
	Options
	access   *zap.Logger // one line a request
	refusals *zap.Logger // the same for refused ones, sampled
	current  atomic.Pointer[state]
	tunnels  tunnels
}

// state is one configuration, compiled. A request keeps the one that it began
// with.
type state struct {
	Config
	table     *Table
	headers   *httprule.Headers
	endpoints *chi.Mux
	trust     bool     // there are trusted proxies
	origins   []string // of all routes, for the gateway's own endpoints
	sessions  *session.Store
	log       *zap.Logger
	now       func() time.Time
}

// New makes a gateway that serves the config.
func New(o Options, c Config) *Gateway {
	g := &Gateway{Options: o, access: o.Log.Named("access")}
	g.refusals = g.access.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, time.Second, refusalsPerSecond, refusalsThereafter)
	}))
	g.Configure(c)
	return g
}

// Refused requests are logged in full up to so many a second, then one in so
// many: a flood must not fill the disk.
const (
	refusalsPerSecond  = 1000
	refusalsThereafter = 100
)

// Configure puts another config in force for the requests to come; those in
// flight end as they began.
func (g *Gateway) Configure(c Config) {
	st := &state{
		Config: c, table: NewTable(c.Routes), headers: httprule.NewHeaders(c.Identity.names()),
		trust: len(c.Proxies.prefixes) > 0, sessions: g.Sessions, log: g.Log, now: g.Now,
	}
	for _, rt := range c.Routes {
		st.origins = append(st.origins, rt.CORSOrigins...)
	}
	slices.Sort(st.origins)
	st.origins = slices.Compact(st.origins)
	st.endpoints = g.endpoints(st)
	g.current.Store(st)
}

// ServeHTTP is the way of every request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := g.current.Load()
	x := g.begin(w, r, st)
	defer g.end(x)

	if f := x.admit(st.MaxHeader); f != nil {
		x.fail(f)
		return
	}
	if st.ownsPath(r.URL.Path) {
		g.serveOwn(x, st)
		return
	}
	if f := x.findRoute(st.table); f != nil {
		x.fail(f)
		return
	}
	if done := x.answerCORS(); done {
		return
	}
	for _, step := range []func(*exchange) error{checkBody, g.authenticate, g.renew, g.limitRate, checkRequirements} {
		if err := step(x); err != nil {
			x.refuse(err)
			return
		}
	}
	if x.upgrades() {
		g.tunnel(x, st)
		return
	}
	g.forward(x, st)
}

// begin notes who asks.
func (g *Gateway) begin(w http.ResponseWriter, r *http.Request, st *state) *exchange {
	now := time.Now()
	x := &exchange{w: w, r: r, start: now, deadline: now, label: unrouted, peer: peerOf(r)}
	x.client = x.peer
	if st.trust && st.Proxies.trusts(x.peer) {
		x.trusted = true
		x.client = st.Proxies.clientOf(r, x.peer)
	}
	x.clientText = addrText(x.client)
	x.id = httprule.RequestID(r.Header)
	x.clock = startStreamClock(w, r)
	if r.ContentLength != 0 {
		// net/http reads what is left of a body that nobody wanted, and waits
		// for it for ever.
		_ = http.NewResponseController(w).SetReadDeadline(now.Add(bodyStall))
	}
	g.Metrics.inFlight.Inc()
	return x
}

// unrouted is the label of requests that no route took.
const unrouted = "-"

// end finishes the exchange, unless a tunnel goes on and will. A panic costs
// its own request only; http.ErrAbortHandler is how an answer is broken off.
func (g *Gateway) end(x *exchange) {
	if x.detached {
		return
	}
	defer x.clock.stop()
	crash := recover()
	if crash != nil && crash != http.ErrAbortHandler {
		g.Log.Error("panic", zap.Any("panic", crash), zap.String("request_id", x.id), zap.Stack("stack"))
		x.fault = apierror.New(apierror.Internal, "something went wrong in the gateway")
		if x.status == 0 {
			x.fail(x.fault)
			crash = nil
		}
	}
	g.finish(x)
	if crash != nil {
		panic(http.ErrAbortHandler)
	}
}

// findRoute finds who serves the request, with the method it will have there.
func (x *exchange) findRoute(t *Table) *apierror.Error {
	r := x.r
	if t.unsteady(x.host, r.URL.Path) {
		return badPath()
	}
	override := r.Header.Get("X-HTTP-Method-Override")
	if r.Method == http.MethodPost && override != "" {
		return x.findOverridden(t, override)
	}
	return x.take(t.Match(x.host, r.URL.Path, func(rt *Route) bool {
		return rt.Takes(r.Method) || rt.answersPreflight(r)
	}))
}

// findOverridden looks the route up by the method that the client means
// (wx.request has no PATCH), where the route allows that.
func (x *exchange) findOverridden(t *Table, override string) *apierror.Error {
	if m := t.Match(x.host, x.r.URL.Path, func(*Route) bool { return true }); m.Route == nil || !m.Route.Override {
		return x.take(t.Match(x.host, x.r.URL.Path, func(rt *Route) bool { return rt.Takes(http.MethodPost) }))
	}
	override = strings.ToUpper(override)
	if !httprule.OverrideMethod(override) {
		return apierror.New(apierror.BadRequest, "X-HTTP-Method-Override may be PATCH, PUT or DELETE")
	}
	x.r.Method = override
	return x.take(t.Match(x.host, x.r.URL.Path, func(rt *Route) bool { return rt.Override && rt.Takes(override) }))
}

func (x *exchange) take(m Match) *apierror.Error {
	if m.Route != nil {
		x.route, x.label = m.Route, m.Route.Name
		return nil
	}
	if m.Allowed != "" {
		f := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
		f.Allow = m.Allowed
		return f
	}
	return apierror.New(apierror.NoRoute, "nothing is served here")
}

// checkBody refuses a body that says beforehand that it is too large, and a
// WebSocket handshake that isn't one.
func checkBody(x *exchange) error {
	switch upgradeOf(x.r) {
	case upgradeBroken:
		return badRequest("this is no WebSocket handshake")
	case upgradeWebSocket:
		if !x.route.WebSocket {
			return badRequest("this route takes no WebSocket")
		}
	}
	if most := x.route.MaxBody; most > 0 && x.r.ContentLength > most {
		return closing(apierror.New(apierror.BodyTooLarge, "the request body is too large"))
	}
	return nil
}

func (x *exchange) upgrades() bool {
	return len(x.r.Header["Upgrade"]) > 0 && upgradeOf(x.r) == upgradeWebSocket
}

// Drain waits for open WebSockets until ctx ends, then cuts them. The
// server's own Shutdown does the same for requests.
func (g *Gateway) Drain(ctx context.Context) { g.tunnels.drain(ctx) }
