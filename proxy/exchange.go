package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/session"
)

// exchange is one request on its way and what became of it. It is the
// http.ResponseWriter of everything below it, so that status, size and the
// gateway's own response headers are kept in one place.
//
// It is used by one goroutine at a time.
type exchange struct {
	w          http.ResponseWriter
	r          *http.Request
	start      time.Time
	id         string     // request id
	peer       netip.Addr // who holds the TCP connection
	client     netip.Addr // who the request is from, trusted proxies looked through
	clientText string
	// trusted: the peer is one of trusted_proxies, its forwarded headers count.
	trusted bool
	host    string // lower case, without port and trailing dot

	route   *Route
	label   string // the route's name, for log and metrics
	grant   session.AuthResult
	known   bool   // grant holds
	renewed string // a fresh token for X-Session-Token

	responseHeaders func(http.Header) // the route's own changes, last before the header is sent

	status   int
	bytes    int64
	fault    *apierror.Error
	deadline time.Time // when the current write deadline was set
	clock    *streamClock
	detached bool // a tunnel finishes it later
}

func (x *exchange) Header() http.Header { return x.w.Header() }

// WriteHeader sends the header, with what only the gateway may say.
func (x *exchange) WriteHeader(status int) {
	h := x.w.Header()
	if status < 200 && status != http.StatusSwitchingProtocols {
		x.w.WriteHeader(status)
		return
	}
	if x.status != 0 {
		return
	}
	x.status = status
	x.stamp(h)
	if len(x.r.Header["Upgrade"]) > 0 && upgradeOf(x.r) != upgradeNone {
		// What the client sent ahead was for the other protocol.
		h["Connection"] = []string{"close"}
	}
	x.extendWriteDeadline()
	x.w.WriteHeader(status)
}

// stamp sets what every answer carries.
func (x *exchange) stamp(h http.Header) {
	if x.responseHeaders != nil {
		x.responseHeaders(h)
	}
	h[httprule.RequestIDName] = []string{x.id}
	if x.renewed != "" {
		h[httprule.SessionToken] = []string{x.renewed}
		// A token in a shared cache would be another user's login.
		h["Cache-Control"] = []string{"no-store"}
	}
}

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.extendWriteDeadline()
	x.clock.write(true)
	n, err := x.w.Write(p)
	x.clock.write(false)
	x.bytes += int64(n)
	return n, err
}

// writeStall is how long a client may leave the gateway unable to write one
// buffer. A stream that is read, however slowly, lives on.
const writeStall = 60 * time.Second

// extendWriteDeadline moves the deadline along while the client reads. The
// server sets the first one (http.Server.WriteTimeout); touching it once in a
// while keeps short answers free of the system call.
func (x *exchange) extendWriteDeadline() {
	now := time.Now()
	if now.Sub(x.deadline) < writeStall/6 {
		return
	}
	x.deadline = now
	_ = http.NewResponseController(x.w).SetWriteDeadline(now.Add(writeStall))
}

// Unwrap lets http.ResponseController reach Flush, Hijack and deadlines.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

// Flush sends what is buffered.
func (x *exchange) Flush() {
	x.clock.write(true)
	_ = http.NewResponseController(x.w).Flush()
	x.clock.write(false)
}

// fail answers with the fault, or only notes it where an answer has begun.
func (x *exchange) fail(f *apierror.Error) {
	x.fault = f
	switch {
	case x.status != 0:
	case f.Code == apierror.ClientClosed:
		x.status = f.Code.Status()
	case f.Close && x.r.ProtoMajor > 1 && x.r.Method != "PRI": // an HTTP/1 server's reading of a broken preface
		// In HTTP/2 it would end the streams of others too.
		alone := *f
		alone.Close = false
		apierror.Write(x, x.id, &alone)
	default:
		apierror.Write(x, x.id, f)
	}
}

// refuse answers with what the error means to the client.
func (x *exchange) refuse(err error) { x.fail(apierror.From(x.cause(err))) }

// cause prefers the reason why the request's context ended over the
// cancellation that it shows up as.
func (x *exchange) cause(err error) error {
	if errors.Is(err, context.Canceled) {
		if cause := context.Cause(x.r.Context()); cause != nil {
			return cause
		}
	}
	return err
}

// session gives the caller's session; nil for an anonymous request.
func (x *exchange) session() *session.Session {
	if !x.known {
		return nil
	}
	return x.grant.Session
}
