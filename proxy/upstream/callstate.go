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

// callState is the state of one Call. A call makes one or more attempts: each sends the
// request to one endpoint.
type callState struct {
	group         *Group
	req           *http.Request  // the caller's
	out           *http.Request  // the current attempt's, to its target
	header        fieldlist.List // the same in each attempt
	body          *requestBody   // nil: none, or a shortBody
	startedAt     time.Time      // when the first attempt could begin, by Group.now
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

// attemptConn is the state of the current attempt's connection. Both pointers are nil
// before it is connected, and over HTTP/2.
type attemptConn struct {
	connRequested bool // the request was valid, and a connection was requested
	connected     bool
	reused        bool         // the connection had an earlier request
	persistConn   *persistConn // HTTP/1.1 without TLS
	trackedConn   *trackedConn // HTTP/1.1 over TLS
}

func newCallState(g *Group, c *Call) *callState {
	req := c.Request
	req.GetBody = nil // else http.Transport may send the body twice
	cs := &c.state
	cs.group, cs.req, cs.out, cs.header, cs.ctx = g, req, req, c.Header, req.Context()
	cs.path, cs.rawPath, cs.hashKey = req.URL.Path, req.URL.RawPath, c.HashKey
	cs.interim, cs.canceler = c.Interim, c.Canceler
	cs.nonIdempotent = hasBody(req) || !isIdempotent(req.Method)
	return cs
}

// makeAttempt sends the request to ep, where pick has counted the request as in flight.
func (cs *callState) makeAttempt(ep *endpoint) (*Response, error) {
	ep.target.metrics.picks.Inc()
	cs.attemptConn = attemptConn{}
	cs.setTarget(ep.target)
	if !ep.target.SupportsUpgrade() && cs.header.Get("Upgrade") != "" {
		return nil, errNoUpgrade
	}
	if err := cs.attachBody(); err != nil {
		return nil, err
	}
	res, err := (*ep.roundTripper.Load()).roundTrip(cs)
	if err != nil {
		return nil, err
	}
	if err := cs.checkResponse(res); err != nil {
		res.Body.Close()
		return nil, err
	}
	cs.trackedConn.headReceived()
	res.Address = cs.out.URL.Host
	return res, nil
}

// setTarget directs the request to a target: its scheme, host and path.
func (cs *callState) setTarget(t *target) {
	if cs.attemptCount++; cs.attemptCount > 1 { // goroutines of an earlier attempt may still read the request
		out, u := *cs.out, *cs.out.URL
		out.URL = &u
		cs.out = &out
	}
	cs.out.URL.Scheme, cs.out.URL.Host = t.scheme, t.URL.Host
	t.joinPath(cs.out.URL, cs.path, cs.rawPath)
	if !cs.group.config.PreserveHost {
		cs.out.Host = t.URL.Host
	}
}

// checkResponse refuses responses that net/http's client accepts and net/http's server
// can't send: the server would panic at the status, or switch protocols although the
// client did not request an upgrade.
func (cs *callState) checkResponse(res *Response) error {
	switch {
	case res.StatusCode < 100 || res.StatusCode > 999:
		return errStatus
	case res.StatusCode == http.StatusSwitchingProtocols && !cs.upgradeRequested(res):
		return errUpgrade
	}
	return nil
}

// prepareResponse prepares the response for the caller. The endpoint is released when the body
// has been read to its end or is closed.
func (cs *callState) prepareResponse(ep *endpoint, res *Response) *Response {
	cs.stall.stop()
	cs.body.endAttempts(false)
	if res.Body == http.NoBody {
		ep.release()
	} else if both, ok := res.Body.(io.ReadWriteCloser); ok {
		res.Body = &inFlightUpgrade{ReadWriteCloser: both, endpoint: ep}
	} else {
		cs.inFlightBody.ReadCloser, cs.inFlightBody.endpoint = res.Body, ep
		res.Body = &cs.inFlightBody
	}
	return res
}

// fail ends the call without a response, and returns err with the group's name.
func (cs *callState) fail(err error) error {
	cs.stall.stop()
	cs.body.endAttempts(true)
	return fmt.Errorf("upstream %s: %w", cs.group.config.Name, err)
}
