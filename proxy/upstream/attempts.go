package upstream

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"wxgate/internal/fieldlist"
)

// attempts is the state of one Call over all its attempts. An attempt sends the request
// to one endpoint.
type attempts struct {
	group         *Group
	req           *http.Request  // the caller's
	out           *http.Request  // the current attempt's
	header        fieldlist.List // of every attempt
	body          *requestBody   // nil: none, or a shortBody
	startedAt     time.Time      // when the request could be sent first, by Group.now
	nonIdempotent bool           // must not reach a target twice

	path, rawPath, hashKey string

	interim   func(int, fieldlist.List) error // see Call.Interim
	canceler  *Canceler                       // see Call.Canceler
	shortBody []byte                          // read before the first attempt; nil: none

	attemptCount     int         // including the current one
	tried            []*endpoint // endpoints whose attempt failed
	staleConnRetries int
	newConnOnly      bool        // further attempts may not use an idle connection
	usedNetHTTP      bool        // http.Transport's goroutines may still refer to the request
	stall            *stallWatch // nil: none

	ctx context.Context // the request's

	attemptConn                 // of the current attempt
	responseStarted atomic.Bool // the current attempt's first byte was received

	// Memory for the response, which saves allocations in the usual case of one attempt.
	response     Response
	fields       [16]fieldlist.Field // for its header
	exchange     exchange
	inFlightBody inFlightBody
}

// attemptConn is the state of the current attempt's connection. Once connected, without
// persistConn and trackedConn it is an HTTP/2 connection.
type attemptConn struct {
	connRequested bool // the request was valid, a connection was requested
	connected     bool
	reused        bool
	persistConn   *persistConn // HTTP/1.1 without TLS
	trackedConn   *trackedConn // HTTP/1.1 over TLS
}

func newAttempts(g *Group, c *Call) *attempts {
	req := c.Request
	req.GetBody = nil // else http.Transport may send the body twice
	a := &c.attempts
	a.group, a.req, a.out, a.header, a.ctx = g, req, req, c.Header, req.Context()
	a.path, a.rawPath, a.hashKey = req.URL.Path, req.URL.RawPath, c.HashKey
	a.interim, a.canceler = c.Interim, c.Canceler
	a.nonIdempotent = hasBody(req) || !isIdempotent(req.Method)
	return a
}

// send makes one attempt at ep, which already counts the request as in flight.
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

// setTarget directs the request to a target: its scheme, host and path.
func (a *attempts) setTarget(t *target) {
	if a.attemptCount++; a.attemptCount > 1 { // goroutines of an earlier attempt may still read its request
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

// checkResponse refuses responses that net/http's client accepts, but which net/http's
// server can't send: it would panic at the status, or hand over the connection of a
// client that did not ask for an upgrade.
func (a *attempts) checkResponse(res *Response) error {
	switch {
	case res.StatusCode < 100 || res.StatusCode > 999:
		return errStatus
	case res.StatusCode == http.StatusSwitchingProtocols && !a.upgradeRequested(res):
		return errUpgrade
	}
	return nil
}

// deliver prepares the response for the caller. The endpoint is released when the body
// has been read to its end or is closed.
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

// fail ends the call without a response, and returns err with the group's name.
func (a *attempts) fail(err error) error {
	a.stall.stop()
	a.body.finish(true)
	return fmt.Errorf("upstream %s: %w", a.group.config.Name, err)
}
