package upstream

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"wxgate/internal/fieldlist"
)

// attempts is one request and what its attempts have in common.
type attempts struct {
	group         *Group
	req           *http.Request  // the caller's
	out           *http.Request  // what is sent
	header        fieldlist.List // likewise
	body          *requestBody   // nil: none
	startedAt     time.Time
	nonIdempotent bool // must not reach a target twice

	path, rawPath, hashKey string

	interim   func(int, fieldlist.List) error // nil: nobody wants to know
	canceler  *Canceler                       // nil: the context is watched
	shortBody []byte                          // nil: none, or it is read while it is sent

	attemptCount     int         // attempts so far
	tried            []*endpoint // those that failed
	staleConnRetries int
	newConnOnly      bool        // an idle connection may not be used any more
	usedNetHTTP      bool        // goroutines of http.Transport know the request
	stall            *stallWatch // nil: none

	ctx context.Context // the request's

	attemptConn                 // of the current attempt
	responseStarted atomic.Bool // its first byte has come

	// What a response takes, for the usual case of one attempt.
	response     Response
	fields       [16]fieldlist.Field // for its header
	exchange     exchange
	inFlightBody inFlightBody
}

// attemptConn is what the current attempt knows of its connection.
type attemptConn struct {
	connRequested bool // the request was valid, a connection was asked for
	connected     bool
	reused        bool
	persistConn   *persistConn // HTTP/1.1 without TLS
	trackedConn   *trackedConn // HTTP/1.1 over TLS; neither: none, or HTTP/2
}

// nothingSent reports whether the target can't have seen any of the request.
func (c *attemptConn) nothingSent() bool {
	switch {
	case c.persistConn != nil:
		return c.persistConn.written.Load() == 0
	case c.trackedConn != nil:
		return c.trackedConn.written.Load() == 0
	}
	return !c.connected
}

func newAttempts(g *Group, c *Call) *attempts {
	req := c.Request
	req.GetBody = nil
	a := &c.attempts
	a.group, a.req, a.out, a.header, a.ctx = g, req, req, c.Header, req.Context()
	a.path, a.rawPath, a.hashKey = req.URL.Path, req.URL.RawPath, c.HashKey
	a.interim, a.canceler = c.Interim, c.Canceler
	a.nonIdempotent = hasBody(req) || !isIdempotent(req.Method)
	return a
}

// maxShortBody is the size up to which a request's body is read before it is sent:
// with the head it then takes one write.
const maxShortBody = 4 << 10

// prepareBody reads a short body, and readies a longer one for being sent.
func (a *attempts) prepareBody() error {
	switch n := a.req.ContentLength; {
	case !hasBody(a.req):
		return nil
	case n > 0 && n <= maxShortBody && len(a.req.Trailer) == 0 && !a.header.Has("Expect"):
		a.shortBody = make([]byte, n)
		return readWhole(a.req.Body, a.shortBody)
	}
	a.body = &requestBody{body: a.req.Body}
	return nil
}

// readWhole reads a body of a known length and earlyClose it.
func readWhole(body io.ReadCloser, p []byte) error {
	defer body.Close()
	if _, err := io.ReadFull(body, p); err != nil {
		return fmt.Errorf("%w: %w", ErrRequestBody, err)
	}
	var more [1]byte
	n, err := body.Read(more[:])
	if n > 0 {
		err = errLength
	}
	if err != nil && err != io.EOF {
		return fmt.Errorf("%w: %w", ErrRequestBody, err)
	}
	return nil
}

func hasBody(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody
}

// send makes one attempt at ep, which counts it as in flight already.
func (a *attempts) send(ep *endpoint) (*Response, error) {
	ep.target.metrics.picks.Inc()
	a.attemptConn = attemptConn{}
	a.setTarget(ep.target)
	if !ep.target.SupportsUpgrade() && a.header.Get("Upgrade") != "" {
		return nil, errNoUpgrade
	}
	if err := a.attachBody(); err != nil {
		return nil, err
	}
	res, err := (*ep.roundTripper.Load()).roundTrip(a)
	if err != nil {
		return nil, err
	}
	if err := a.checkResponse(res); err != nil {
		res.Body.Close()
		return nil, err
	}
	a.trackedConn.headReceived()
	res.Address = a.out.URL.Host
	return res, nil
}

// attachBody gives the body to the current attempt.
func (a *attempts) attachBody() error {
	if a.body == nil {
		return nil
	}
	body, err := a.body.attach()
	if err != nil {
		return err
	}
	a.out.Body = body
	return nil
}

// checkResponse refuses what net/http's client lets pass and its server would
// panic at, or would hand its connection over for.
func (a *attempts) checkResponse(res *Response) error {
	switch {
	case res.StatusCode < 100 || res.StatusCode > 999:
		return errStatus
	case res.StatusCode == http.StatusSwitchingProtocols && !a.upgradeRequested(res):
		return errUpgrade
	}
	return nil
}

// setTarget directs the request to a target.
func (a *attempts) setTarget(t *target) {
	if a.attemptCount++; a.attemptCount > 1 { // an earlier attempt's goroutines may still read theirs
		out, u := *a.out, *a.out.URL
		out.URL = &u
		a.out = &out
	}
	a.out.URL.Scheme, a.out.URL.Host = t.scheme, t.URL.Host
	t.joinPath(a.out.URL, a.path, a.rawPath)
	if !a.group.config.PreserveHost {
		a.out.Host = t.URL.Host
	}
}

func (a *attempts) upgradeRequested(res *Response) bool {
	want := a.header.Get("Upgrade")
	return want != "" && strings.EqualFold(want, res.Header.Get("Upgrade"))
}

// gotConn checks the connection that http.Transport has chosen. One that is
// not fit is closed: nothing is written to it, and http.Transport, or a retry
// at the same endpoint, takes another.
func (a *attempts) gotConn(info httptrace.GotConnInfo) {
	a.responseStarted.Store(false)
	a.attemptConn = attemptConn{connRequested: true, connected: true, reused: info.Reused, trackedConn: trackedConnOf(info.Conn)}
	c := a.trackedConn
	if c == nil {
		return
	}
	c.beginRequest()
	if info.Reused && !a.mayReuse(c, info.IdleTime) {
		c.Close()
	}
}

// fits reports whether the request may use a connection that was idle.
func (a *attempts) mayReuse(c *trackedConn, idle time.Duration) bool {
	return !a.newConnOnly && c.stillIdle() && (!a.nonIdempotent || c.earlyClose.allowsReuse(c, idle))
}

// deliver makes the response the caller's. Its endpoint is released when the
// body ends.
func (a *attempts) deliver(ep *endpoint, res *Response) *Response {
	a.stall.stop()
	a.body.finish(false)
	if res.Body == http.NoBody {
		ep.release()
	} else if both, ok := res.Body.(io.ReadWriteCloser); ok {
		res.Body = &inFlightUpgrade{ReadWriteCloser: both, endpoint: ep}
	} else {
		a.inFlightBody.ReadCloser, a.inFlightBody.endpoint = res.Body, ep
		res.Body = &a.inFlightBody
	}
	return res
}

// fail ends the request without a response.
func (a *attempts) fail(err error) error {
	a.stall.stop()
	a.body.finish(true)
	return fmt.Errorf("upstream %s: %w", a.group.config.Name, err)
}
