package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

const (
	// tunnelLinger is how long the other half of a tunnel may go on once one
	// side has finished.
	tunnelLinger = 10 * time.Second

	// tunnelStall is how long a peer may leave a write to it unread.
	tunnelStall = 60 * time.Second

	// smallRead is what an idle tunnel holds for each direction; a larger
	// buffer is borrowed while there is more to carry.
	smallRead = 512
)

// tunnel carries a WebSocket: the handshake goes the request's usual way, then
// bytes go both ways as they are.
//
// The handler returns once the connection is the tunnel's own; the goroutines
// and buffers of an HTTP request are then free, and an idle socket costs two
// small goroutines. The last one to end finishes the exchange.
func (g *Gateway) tunnel(x *exchange, st *state) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(x.r.Context()))
	stopFollowing := context.AfterFunc(x.r.Context(), func() { cancel(context.Canceled) })
	stopWatching := func() {}
	if x.known {
		stopWatching = g.Sessions.Watch(x.grant, func() { cancel(errCut) })
	}
	release := func() {
		stopWatching()
		cancel(nil)
	}
	res, ok := g.handshake(ctx, x, st)
	if !ok {
		stopFollowing()
		release()
		return
	}
	backend, isPipe := res.Body.(io.ReadWriteCloser)
	if !isPipe {
		release()
		x.fail(apierror.New(apierror.UpstreamError, "the backend's connection can't be taken over"))
		return
	}
	stopFollowing() // the request's context ends with the handler
	client, buffered, err := x.hijack()
	if err != nil {
		backend.Close()
		release()
		x.fail(apierror.New(apierror.Internal, "the client's connection can't be taken over").Because(err))
		return
	}
	x.detached, x.status = true, http.StatusSwitchingProtocols
	t := &tunnel{client: client, backend: backend, x: x}
	t.done = func() {
		g.Metrics.tunnels.Dec()
		g.tunnels.leave(t)
		release()
		g.finish(x)
	}
	// Before the client hears of it: a drain must not overlook it.
	g.tunnels.enter(t)
	g.Metrics.tunnels.Inc()
	if err := writeSwitching(client, x, res, st.headers); err != nil {
		t.close()
		t.done()
		return
	}
	context.AfterFunc(ctx, func() { t.cut(context.Cause(ctx)) })
	t.start(buffered)
}

// handshake asks the backend. What is not a well-formed 101 goes to the client
// as an ordinary answer.
func (g *Gateway) handshake(ctx context.Context, x *exchange, st *state) (*http.Response, bool) {
	out, _, err := st.outbound(ctx, x)
	if err != nil {
		x.refuse(err)
		return nil, false
	}
	out.Header["Connection"] = []string{"Upgrade"}
	out.Header["Upgrade"] = []string{"websocket"}
	res, err := x.send(ctx, out)
	if err != nil {
		x.fail(forwardFault(ctx, err, nil))
		return nil, false
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		defer res.Body.Close()
		st.answer(ctx, x, res, nil)
		return nil, false
	}
	if !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		res.Body.Close()
		x.fail(apierror.New(apierror.UpstreamError, "the backend switched to another protocol"))
		return nil, false
	}
	st.keepCookies(ctx, x, res)
	return res, true
}

func (x *exchange) hijack() (net.Conn, []byte, error) {
	conn, rw, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// Bytes that the client sent ahead go into the tunnel, behind the 101.
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, slices.Clone(early), nil
}

// writeSwitching sends the 101 with the backend's handshake headers.
func writeSwitching(client net.Conn, x *exchange, res *http.Response, rules *httprule.Headers) error {
	h := http.Header{}
	copyResponseHeader(h, res.Header, rules)
	h["Connection"] = []string{"Upgrade"}
	h["Upgrade"] = []string{"websocket"}
	if hook := x.route.changeResponse(x.responseHeaders); hook != nil {
		x.responseHeaders = hook
	}
	x.stamp(h)
	_ = client.SetWriteDeadline(time.Now().Add(tunnelStall))
	w := bufio.NewWriterSize(client, 1024)
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = h.Write(w)
	_, _ = w.WriteString("\r\n")
	return w.Flush()
}

// tunnel is a pair of connections and what is to be done when both are closed.
type tunnel struct {
	client  net.Conn
	backend io.ReadWriteCloser
	x       *exchange
	done    func()

	mu    sync.Mutex
	ended int   // directions that have finished
	up    int64 // bytes towards the backend
	down  int64 // bytes towards the client
}

func (t *tunnel) start(buffered []byte) {
	go t.pump(t.client, t.backend, &t.down, nil)
	go t.pump(t.backend, t.client, &t.up, buffered)
}

// pump carries one direction until its source ends. A clean end is passed on
// as such, so that the other direction can finish; an error ends both.
func (t *tunnel) pump(dst io.Writer, src io.Reader, count *int64, first []byte) {
	n, err := carry(dst, src, first)
	t.mu.Lock()
	*count += n
	t.ended++
	last := t.ended == 2
	t.mu.Unlock()
	switch {
	case last:
		t.close()
		t.x.bytes = t.down
		t.done()
	case err != nil || !closeWrite(dst):
		t.close()
	default:
		time.AfterFunc(tunnelLinger, t.close)
	}
}

func (t *tunnel) close() {
	t.client.Close()
	t.backend.Close()
}

// cut closes the tunnel from outside: the session ended, or the gateway stops.
func (t *tunnel) cut(cause error) {
	if f := (*apierror.Error)(nil); errors.As(cause, &f) {
		t.mu.Lock()
		t.x.fault = f
		t.mu.Unlock()
	}
	t.close()
}

// closeWrite passes an end of stream on; false where the connection can't.
func closeWrite(w io.Writer) bool {
	c, ok := w.(interface{ CloseWrite() error })
	return ok && c.CloseWrite() == nil
}

// carry copies with a small buffer of its own, and a large borrowed one while
// the source has more than that at once.
func carry(dst io.Writer, src io.Reader, first []byte) (n int64, err error) {
	if len(first) > 0 {
		if err := writeInTime(dst, first); err != nil {
			return 0, err
		}
		n = int64(len(first))
	}
	var small [smallRead]byte
	for {
		got, err := src.Read(small[:])
		if got > 0 {
			if werr := writeInTime(dst, small[:got]); werr != nil {
				return n, werr
			}
			n += int64(got)
		}
		if err == nil && got == len(small) {
			var more int64
			more, err = carryBulk(dst, src)
			n += more
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// carryBulk copies through a borrowed buffer until a read leaves most of it
// empty.
func carryBulk(dst io.Writer, src io.Reader) (n int64, err error) {
	buf := bodies.Get().(*[32 << 10]byte)
	defer bodies.Put(buf)
	for {
		got, err := src.Read(buf[:])
		if got > 0 {
			if werr := writeInTime(dst, buf[:got]); werr != nil {
				return n, werr
			}
			n += int64(got)
		}
		if err != nil || got < smallRead {
			return n, err
		}
	}
}

// writeInTime bounds how long a peer that does not read can hold a buffer.
func writeInTime(dst io.Writer, p []byte) error {
	if c, ok := dst.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = c.SetWriteDeadline(time.Now().Add(tunnelStall))
	}
	_, err := dst.Write(p)
	return err
}

// tunnels are the open ones: a server that shuts down does not know of
// connections it has given away.
type tunnels struct {
	mu   sync.Mutex
	open map[*tunnel]struct{}
	idle sync.Cond // signalled when the last one has left
}

func (ts *tunnels) enter(t *tunnel) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.open == nil {
		ts.open = map[*tunnel]struct{}{}
	}
	ts.open[t] = struct{}{}
}

func (ts *tunnels) leave(t *tunnel) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	delete(ts.open, t)
	if len(ts.open) == 0 && ts.idle.L != nil {
		ts.idle.Broadcast()
	}
}

// drain waits for the open tunnels until ctx ends, then cuts what is left.
func (ts *tunnels) drain(ctx context.Context) {
	ts.mu.Lock()
	ts.idle.L = &ts.mu
	ts.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		for t := range ts.open {
			t.close()
		}
	})
	defer stop()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for len(ts.open) > 0 {
		ts.idle.Wait()
	}
}
