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

// requestState is a client's request and the state of serving it: client address, route,
// session, response status. The steps also write the response through it, as an
// http.ResponseWriter: it records status and size, and adds the gateway's own headers.
//
// It is not safe for concurrent use.
type requestState struct {
	requestRecord

	w       http.ResponseWriter
	r       *http.Request
	idValue [1]string // the value of the response header X-Request-ID, without an allocation

	peer    netip.Addr // the remote address of the TCP connection
	client  netip.Addr // the client address: peer, or from a trusted peer's X-Forwarded-For
	trusted bool       // peer is in trusted_proxies: its X-Forwarded headers are used
	host    string     // lower case, without port and trailing dot

	ownEndpoint   bool               // one of the gateway's own endpoints serves the request
	auth          session.AuthResult // valid if authenticated is true
	authenticated bool
	renewedToken  string // sent as X-Session-Token; "": none
	setWebCookie  string // the Set-Cookie line of the web session's cookie; "": none

	responseHeaders func(http.Header) // applies the route's header rules just before the header is sent

	responded        bool      // a step has sent the response, or has taken over the connection: no further step runs
	writeDeadlineSet time.Time // when the current write deadline was set
	streamDeadline   *streamDeadline
	hijacked         bool // for a WebSocket's tunnel, which records the request when it ends
	reusable         bool // no other goroutine uses it: it may return to the pool
}

// noRouteName is the routeName of requests that matched no route.
const noRouteName = "-"

func (rs *requestState) Header() http.Header { return rs.w.Header() }

// WriteHeader sends the header with the headers that only the gateway sets.
func (rs *requestState) WriteHeader(status int) {
	h := rs.w.Header()
	if status < 200 && status != http.StatusSwitchingProtocols {
		rs.w.WriteHeader(status)
		return
	}
	if rs.status != 0 {
		return
	}
	rs.status = status
	rs.addGatewayHeaders(h)
	if len(rs.r.Header["Upgrade"]) > 0 && parseUpgrade(rs.r) != upgradeNone {
		// The client may have sent bytes of the other protocol ahead of the response.
		h["Connection"] = []string{"close"}
	}
	rs.extendWriteDeadline()
	rs.w.WriteHeader(status)
}

// addGatewayHeaders sets the gateway's own response headers.
func (rs *requestState) addGatewayHeaders(h http.Header) {
	if rs.responseHeaders != nil {
		rs.responseHeaders(h)
	}
	rs.idValue[0] = rs.id
	h[httprule.RequestIDHeader] = rs.idValue[:]
	if rs.renewedToken != "" {
		h[httprule.SessionTokenHeader] = []string{rs.renewedToken}
	}
	if rs.setWebCookie != "" {
		h["Set-Cookie"] = append(slices.Clone(h["Set-Cookie"]), rs.setWebCookie)
	}
	if rs.renewedToken != "" || rs.setWebCookie != "" {
		// A shared cache would give another user this login.
		h["Cache-Control"] = []string{"private, no-store"}
	}
}

func (rs *requestState) Write(p []byte) (int, error) {
	if rs.status == 0 {
		rs.WriteHeader(http.StatusOK)
	}
	rs.extendWriteDeadline()
	rs.streamDeadline.setWriting(true)
	n, err := rs.w.Write(p)
	rs.streamDeadline.setWriting(false)
	rs.bytes += int64(n)
	return n, err
}

// clientWriteTimeout bounds one write to a client. A stream that the client reads,
// however slowly, stays open.
const clientWriteTimeout = 60 * time.Second

// extendWriteDeadline extends the write deadline while the client reads. The server
// sets the first one (WriteTimeout). It is extended at intervals only, so that short
// responses need no system call.
func (rs *requestState) extendWriteDeadline() {
	now := time.Now()
	if now.Sub(rs.writeDeadlineSet) < clientWriteTimeout/6 {
		return
	}
	rs.writeDeadlineSet = now
	_ = http.NewResponseController(rs.w).SetWriteDeadline(now.Add(clientWriteTimeout))
}

// Unwrap is for http.ResponseController: it finds Hijack and the deadlines by it.
func (rs *requestState) Unwrap() http.ResponseWriter { return rs.w }

// Flush sends what is buffered.
func (rs *requestState) Flush() {
	rs.streamDeadline.setWriting(true)
	_ = http.NewResponseController(rs.w).Flush()
	rs.streamDeadline.setWriting(false)
}

// fail writes the error response. If a response has started, it only records the error.
func (rs *requestState) fail(err error) {
	e := apierror.From(rs.cause(err))
	rs.responded, rs.gatewayError = true, e
	switch {
	case rs.status != 0:
	case e.Code == apierror.ClientClosed:
		rs.status = e.Code.Status()
	case e.Close && rs.r.ProtoMajor > 1:
		// In HTTP/2 "Connection: close" would end the connection's other streams too.
		keepOpen := *e
		keepOpen.Close = false
		apierror.Write(rs, rs.id, &keepOpen)
	default:
		apierror.Write(rs, rs.id, e)
	}
}

// cause replaces context.Canceled by the cause of the cancellation, if there is one.
func (rs *requestState) cause(err error) error {
	if errors.Is(err, context.Canceled) {
		if rs.r.Context().Err() == http1.ErrShutdown {
			return shutdownError()
		}
		if cause := context.Cause(rs.r.Context()); cause != nil {
			return cause
		}
	}
	return err
}

// clientDisconnected reports whether the client closed the connection before the
// handler wrote anything. A handler that returned then would send a 200.
func (rs *requestState) clientDisconnected() bool {
	return rs.gatewayError != nil && rs.status == apierror.ClientClosed.Status()
}

// session returns the caller's session; nil for an anonymous request.
func (rs *requestState) session() *session.Session {
	if !rs.authenticated {
		return nil
	}
	return &rs.auth.Session
}
