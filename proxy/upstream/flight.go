package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// watchedBody is the size from which a body may not fit into the buffers of
// the network, so that a target may keep it waiting.
const watchedBody = 16 << 10

// maxRedone bounds how often a peer is tried anew because an idle connection
// was unfit before anything was written to it.
const maxRedone = 100

// flight is one request on its way through a group, attempt by attempt.
type flight struct {
	group *Group
	req   *http.Request // the caller's
	out   *http.Request // what is sent
	body  *requestBody  // nil: none
	begun time.Time
	once  bool // must not reach a target twice

	path, rawPath, key string

	tried    []*peer
	attempts int
	redone   int
	fresh    bool        // only a new connection will do
	stall    *stallWatch // nil: none

	ctx context.Context // the request's, or the stall watch's

	way               // of the current attempt
	heard atomic.Bool // of an answer, its first byte at least

	answer answer
}

// way is what an attempt knows of its connection.
type way struct {
	sought    bool // the request was in order, a connection was asked for
	connected bool
	reused    bool
	conn      *conn // nil: none, or HTTP/2
}

func newFlight(g *Group, req *http.Request) *flight {
	f := &flight{
		group: g, req: req, begun: g.now(),
		path: req.URL.Path, rawPath: req.URL.RawPath,
	}
	if g.config.Balance == HashOpenID {
		f.key = hashKeyOf(req.Context())
	}
	f.ctx, f.out = req.Context(), req
	f.out.GetBody = nil
	if hasBody(req) {
		f.body = &requestBody{body: req.Body}
		f.ctx = f.watch(f.ctx)
		f.out.Body = f.body
	}
	f.once = f.body != nil || !isIdempotent(req.Method)
	return f
}

func hasBody(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody
}

// watch starts the stall watch where the body needs one.
func (f *flight) watch(ctx context.Context) context.Context {
	if n := f.req.ContentLength; n > 0 && n <= watchedBody {
		return ctx
	}
	ctx, f.stall = watchStall(ctx, f.body, f.group.config.Timeout)
	return ctx
}

// attempt sends the request to p, which has counted it in.
func (f *flight) attempt(p *peer) (*http.Response, error) {
	p.target.metrics.picks.Inc()
	f.way = way{}
	f.aim(p.target)
	f.body.lend()
	res, err := (*p.carrier.Load()).carry(f)
	if err != nil {
		return nil, err
	}
	if err := f.check(res); err != nil {
		res.Body.Close()
		return nil, err
	}
	f.conn.headersCame()
	return res, nil
}

// check refuses what net/http lets pass and its server would panic of or be
// taken over by.
func (f *flight) check(res *http.Response) error {
	switch {
	case res.StatusCode < 100 || res.StatusCode > 999:
		return errStatus
	case res.StatusCode == http.StatusSwitchingProtocols && !f.askedFor(res):
		return errUpgrade
	}
	return nil
}

// aim points the request at a target.
func (f *flight) aim(t *target) {
	if f.attempts++; f.attempts > 1 { // an earlier one's goroutines may still read theirs
		out, u := *f.out, *f.out.URL
		out.URL = &u
		f.out = &out
	}
	f.out.URL.Scheme, f.out.URL.Host = t.scheme, t.URL.Host
	t.join(f.out.URL, f.path, f.rawPath)
	if !f.group.config.PreserveHost {
		f.out.Host = t.URL.Host
	}
}

func (f *flight) askedFor(res *http.Response) bool {
	want := f.req.Header.Get("Upgrade")
	return want != "" && strings.EqualFold(want, res.Header.Get("Upgrade"))
}

// gotConn judges the connection that the transport has chosen. One that is not
// fit is closed: nothing is written to it, and the transport or redo goes on.
func (f *flight) gotConn(info httptrace.GotConnInfo) {
	f.heard.Store(false)
	f.way = way{sought: true, connected: true, reused: info.Reused, conn: watched(info.Conn)}
	c := f.conn
	if c == nil {
		return
	}
	c.taken()
	if info.Reused && !f.fit(c, info.IdleTime) {
		c.Close()
	}
}

// fit reports whether the request may use a connection that was idle.
func (f *flight) fit(c *conn, idle time.Duration) bool {
	return !f.fresh && c.quiet() && (!f.once || c.keeping.fitOnce(c, idle))
}

// verdict is what follows from an attempt's error.
type verdict struct {
	err    error
	reason string // empty: not the target's fault
	blame  bool   // counts towards ejection
	redo   bool   // the connection was stale: try the same peer
	retry  bool   // safe to repeat with another
}

func (f *flight) judge(err error) verdict {
	nothingSent := !f.connected || f.conn != nil && f.conn.written.Load() == 0
	repeatable := nothingSent && f.body.unread() || !f.once
	switch {
	case f.req.Context().Err() != nil:
		return verdict{err: clientGone(f.req.Context())}
	case f.body.failure() != nil:
		return verdict{err: fmt.Errorf("%w: %w", ErrRequestBody, f.body.failure())}
	case !f.sought:
		return verdict{err: err}
	case !f.connected:
		return verdict{err: asTimeout(err), reason: reasonConnect, blame: true, retry: f.body.unread()}
	case f.stall.struck() || isTimeout(err):
		return verdict{err: ErrTimeout, reason: reasonTimeout}
	case f.heard.Load() || !f.isLoss(err):
		return verdict{err: fmt.Errorf("%w: %w", ErrBadResponse, err), reason: reasonResponse}
	case f.reused && repeatable && f.redone < maxRedone:
		f.fresh = f.fresh || !nothingSent
		return verdict{err: err, redo: true}
	}
	return verdict{err: err, reason: reasonConnection, blame: true, retry: repeatable}
}

// isLoss tells a broken connection from a broken answer.
func (f *flight) isLoss(err error) bool {
	return f.conn != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(*net.OpError))
}

// asTimeout marks a connection that could not be made in time.
func asTimeout(err error) error {
	if isTimeout(err) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// deliver makes the response the caller's: p is counted out when it ends.
func (f *flight) deliver(p *peer, res *http.Response) *http.Response {
	f.stall.end()
	f.body.finish(false)
	if res.Body == http.NoBody {
		p.leave()
	} else if both, ok := res.Body.(io.ReadWriteCloser); ok {
		res.Body = &upgraded{ReadWriteCloser: both, peer: p}
	} else {
		f.answer.ReadCloser, f.answer.peer = res.Body, p
		res.Body = &f.answer
	}
	return res
}

// fail ends the flight without a response.
func (f *flight) fail(err error) error {
	f.stall.end()
	f.body.finish(true)
	return fmt.Errorf("upstream %s: %w", f.group.config.Name, err)
}
