package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"wxgate/apierror"
	"wxgate/internal/http1"
	"wxgate/internal/httprule"
	"wxgate/session"
)

// requestContext is one request with its state: client, route, session, response
// status. It is the http.ResponseWriter of every later step, so that the status, the
// size and the gateway's own response headers are recorded in one place.
//
// It is not safe for concurrent use.
type requestContext struct {
	requestRecord

	w       http.ResponseWriter
	r       *http.Request
	idValue [1]string // the value of the response header X-Request-ID, without an allocation

	peer    netip.Addr // the remote address of the TCP connection
	client  netip.Addr // the client address; behind trusted proxies, from X-Forwarded-For
	trusted bool       // peer is in trusted_proxies: its X-Forwarded headers are used
	host    string     // lower case, without port and trailing dot

	ownEndpoint   bool               // one of the gateway's own endpoints serves the request
	auth          session.AuthResult // valid where authenticated is true
	authenticated bool
	renewedToken  string // sent as X-Session-Token; "": none
	setWebCookie  string // the Set-Cookie line of the web session's cookie; "": none

	responseHeaders func(http.Header) // applies the route's header rules just before the header is sent

	done             bool      // a step has responded: no further step runs
	writeDeadlineSet time.Time // when the current write deadline was set
	streamDeadline   *streamDeadline
	detached         bool // a tunnel uses the connection and finishes the request later
	reusable         bool // no other goroutine can use it any more: it may return to the pool
}

// noRouteName is the routeName of requests that matched no route.
const noRouteName = "-"

func (rc *requestContext) Header() http.Header { return rc.w.Header() }

// WriteHeader sends the header with the headers that only the gateway sets.
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
	if len(rc.r.Header["Upgrade"]) > 0 && parseUpgrade(rc.r) != upgradeNone {
		// The client may have sent bytes of the other protocol ahead of the response.
		h["Connection"] = []string{"close"}
	}
	rc.extendWriteDeadline()
	rc.w.WriteHeader(status)
}

// addGatewayHeaders sets the gateway's own response headers.
func (rc *requestContext) addGatewayHeaders(h http.Header) {
	if rc.responseHeaders != nil {
		rc.responseHeaders(h)
	}
	rc.idValue[0] = rc.id
	h[httprule.RequestIDHeader] = rc.idValue[:]
	if rc.renewedToken != "" {
		h[httprule.SessionTokenHeader] = []string{rc.renewedToken}
	}
	if rc.setWebCookie != "" {
		h["Set-Cookie"] = append(slices.Clone(h["Set-Cookie"]), rc.setWebCookie)
	}
	if rc.renewedToken != "" || rc.setWebCookie != "" {
		// A shared cache would give another user this login.
		h["Cache-Control"] = []string{"private, no-store"}
	}
}

func (rc *requestContext) Write(p []byte) (int, error) {
	if rc.status == 0 {
		rc.WriteHeader(http.StatusOK)
	}
	rc.extendWriteDeadline()
	rc.streamDeadline.setWriting(true)
	n, err := rc.w.Write(p)
	rc.streamDeadline.setWriting(false)
	rc.bytes += int64(n)
	return n, err
}

// clientWriteTimeout bounds one write to a client. A stream that the client reads,
// however slowly, stays open.
const clientWriteTimeout = 60 * time.Second

// extendWriteDeadline extends the write deadline while the client reads. The server
// sets the first one (WriteTimeout). It is extended at intervals only, so that short
// responses need no system call.
func (rc *requestContext) extendWriteDeadline() {
	now := time.Now()
	if now.Sub(rc.writeDeadlineSet) < clientWriteTimeout/6 {
		return
	}
	rc.writeDeadlineSet = now
	_ = http.NewResponseController(rc.w).SetWriteDeadline(now.Add(clientWriteTimeout))
}

// Unwrap gives http.ResponseController access to Hijack and the deadlines.
func (rc *requestContext) Unwrap() http.ResponseWriter { return rc.w }

// Flush sends what is buffered.
func (rc *requestContext) Flush() {
	rc.streamDeadline.setWriting(true)
	_ = http.NewResponseController(rc.w).Flush()
	rc.streamDeadline.setWriting(false)
}

// fail writes the error response, or only records the error where a response has
// started.
func (rc *requestContext) fail(err error) {
	e := apierror.From(rc.cause(err))
	rc.done, rc.gatewayError = true, e
	switch {
	case rc.status != 0:
	case e.Code == apierror.ClientClosed:
		rc.status = e.Code.Status()
	case e.Close && rc.r.ProtoMajor > 1:
		// In HTTP/2 "Connection: close" would end the connection's other streams too.
		keepOpen := *e
		keepOpen.Close = false
		apierror.Write(rc, rc.id, &keepOpen)
	default:
		apierror.Write(rc, rc.id, e)
	}
}

// cause replaces context.Canceled by the cause of the request context's end, where
// there is one.
func (rc *requestContext) cause(err error) error {
	if errors.Is(err, context.Canceled) {
		if rc.r.Context().Err() == http1.ErrShutdown {
			return shutdownError()
		}
		if cause := context.Cause(rc.r.Context()); cause != nil {
			return cause
		}
	}
	return err
}

// clientDisconnected reports whether the client closed the connection before the
// handler wrote anything. A handler that returned then would send a 200.
func (rc *requestContext) clientDisconnected() bool {
	return rc.gatewayError != nil && rc.status == apierror.ClientClosed.Status()
}

// session returns the caller's session; nil for an anonymous request.
func (rc *requestContext) session() *session.Session {
	if !rc.authenticated {
		return nil
	}
	return &rc.auth.Session
}
