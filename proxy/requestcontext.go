package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"wxgate/apierror"
	"wxgate/internal/http1"
	"wxgate/internal/httprule"
	"wxgate/session"
)

// requestContext is one request, what is known of it and what became of it. It
// is the http.ResponseWriter of everything below it, so that status, size and
// the gateway's own response headers are kept in one place.
//
// It is used by one goroutine at a time.
type requestContext struct {
	w       http.ResponseWriter
	r       *http.Request
	state   *state // the configuration that the request began with
	start   time.Time
	id      string    // request id
	idValue [1]string // for the answer's header

	peer       netip.Addr // at the other end of the TCP connection
	client     netip.Addr // whom the request is from, trusted proxies looked through
	clientText string
	trusted    bool   // the peer is one of trusted_proxies: its forwarded headers count
	host       string // lower case, without port and trailing dot

	own           bool // the gateway answers itself
	route         *Route
	routeName     string // for log and metrics
	auth          session.AuthResult
	authenticated bool   // auth holds
	renewed       string // a fresh token for X-Session-Token
	byCookie      bool   // auth is of a web page's session
	setCookie     string // a Set-Cookie line for a page's cookie

	upstreamAddr string        // host:port of the last attempt; "": none was made
	upstreamTime time.Duration // until the response's header

	responseHeaders func(http.Header) // the route's own changes, last before the header is sent

	span trace.Span // the request's; nil: tracing is off

	done             bool // answered, or handed on: no further step runs
	status           int
	bytes            int64           // of the answer's body
	refusal          *apierror.Error // what went wrong, for the log
	writeDeadlineSet time.Time       // when the current write deadline was set
	streamDeadline   *streamDeadline
	detached         bool // a tunnel finishes the request later
	reusable         bool // nobody else can have it any more: its memory may serve another
}

// unrouted is the routeName of requests that no route took.
const unrouted = "-"

func (rc *requestContext) Header() http.Header { return rc.w.Header() }

// WriteHeader sends the header, with what only the gateway may say.
func (rc *requestContext) WriteHeader(status int) {
	h := rc.w.Header()
	if status < 200 && status != http.StatusSwitchingProtocols {
		rc.w.WriteHeader(status)
		return
	}
	if rc.status != 0 {
		return
	}
	rc.status = status
	rc.addGatewayHeaders(h)
	if len(rc.r.Header["Upgrade"]) > 0 && upgradeOf(rc.r) != upgradeNone {
		// What the client sent ahead was for the other protocol.
		h["Connection"] = []string{"close"}
	}
	rc.extendWriteDeadline()
	rc.w.WriteHeader(status)
}

// addGatewayHeaders sets what every answer carries.
func (rc *requestContext) addGatewayHeaders(h http.Header) {
	if rc.responseHeaders != nil {
		rc.responseHeaders(h)
	}
	rc.idValue[0] = rc.id
	h[httprule.RequestIDHeader] = rc.idValue[:]
	if rc.renewed != "" {
		h[httprule.SessionTokenHeader] = []string{rc.renewed}
	}
	if rc.setCookie != "" {
		h["Set-Cookie"] = append(slices.Clone(h["Set-Cookie"]), rc.setCookie)
	}
	if rc.renewed != "" || rc.setCookie != "" {
		// In a shared cache it would be another user's login.
		h["Cache-Control"] = []string{"private, no-store"}
	}
}

func (rc *requestContext) Write(p []byte) (int, error) {
	if rc.status == 0 {
		rc.WriteHeader(http.StatusOK)
	}
	rc.extendWriteDeadline()
	rc.streamDeadline.write(true)
	n, err := rc.w.Write(p)
	rc.streamDeadline.write(false)
	rc.bytes += int64(n)
	return n, err
}

// writeStall is how long a client may leave the gateway unable to write one
// buffer. A stream that is read, however slowly, lives on.
const writeStall = 60 * time.Second

// extendWriteDeadline moves the deadline along while the client reads. The
// server sets the first one (WriteTimeout); touching it once in a
// while keeps short answers free of the system call.
func (rc *requestContext) extendWriteDeadline() {
	now := time.Now()
	if now.Sub(rc.writeDeadlineSet) < writeStall/6 {
		return
	}
	rc.writeDeadlineSet = now
	_ = http.NewResponseController(rc.w).SetWriteDeadline(now.Add(writeStall))
}

// Unwrap lets http.ResponseController reach Flush, Hijack and deadlines.
func (rc *requestContext) Unwrap() http.ResponseWriter { return rc.w }

// Flush sends what is buffered.
func (rc *requestContext) Flush() {
	rc.streamDeadline.write(true)
	_ = http.NewResponseController(rc.w).Flush()
	rc.streamDeadline.write(false)
}

// fail answers with what the error means to the client, or only records it
// where an answer has begun.
func (rc *requestContext) fail(err error) {
	e := apierror.From(rc.cause(err))
	rc.done, rc.refusal = true, e
	switch {
	case rc.status != 0:
	case e.Code == apierror.ClientClosed:
		rc.status = e.Code.Status()
	case e.Close && rc.r.ProtoMajor > 1:
		// In HTTP/2 it would end the streams of others too.
		alone := *e
		alone.Close = false
		apierror.Write(rc, rc.id, &alone)
	default:
		apierror.Write(rc, rc.id, e)
	}
}

// cause prefers the reason why the request's context ended over the
// cancellation that it shows up as.
func (rc *requestContext) cause(err error) error {
	if errors.Is(err, context.Canceled) {
		if rc.r.Context().Err() == http1.ErrShutdown {
			return stoppingError()
		}
		if cause := context.Cause(rc.r.Context()); cause != nil {
			return cause
		}
	}
	return err
}

// unanswered: the client has gone, and the handler has written nothing. To
// return would be to answer with 200.
func (rc *requestContext) unanswered() bool {
	return rc.refusal != nil && rc.status == apierror.ClientClosed.Status()
}

// session gives the caller's session; nil for an anonymous request.
func (rc *requestContext) session() *session.Session {
	if !rc.authenticated {
		return nil
	}
	return &rc.auth.Session
}
