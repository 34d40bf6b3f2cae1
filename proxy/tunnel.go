package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"wxgate/apierror"
	"wxgate/internal/rawio"
)

const (
	// tunnelLinger is how long the other half of a tunnel may go on once one
	// side has finished.
	tunnelLinger = 10 * time.Second

	// goAwayLinger is how long a client may take to answer a close frame.
	goAwayLinger = 500 * time.Millisecond
)

// tunnel is a pair of connections and what is to be done when both are closed.
type tunnel struct {
	rc   *requestContext
	done func()

	mu      sync.Mutex
	client  *frameWriter
	backend io.ReadWriteCloser
	reason  *apierror.Error // why it was terminated
	ended   int             // directions that have finished
	leaving bool            // the gateway stops: the client is told by a close frame
	down    int64           // bytes towards the client
}

// open takes both connections, unless the tunnel was terminated before.
func (t *tunnel) open(client net.Conn, backend io.ReadWriteCloser) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.client, t.backend = &frameWriter{Conn: client}, backend
	t.rc.refusal = t.reason
	return t.reason == nil
}

// abandon ends a tunnel that was never started.
func (t *tunnel) abandon() {
	t.mu.Lock()
	t.ended = 2
	leaving := t.leaving
	t.mu.Unlock()
	if leaving {
		t.client.writeClose()
	}
	t.close()
	t.done()
}

func (t *tunnel) start(buffered []byte) {
	down, up := newDirection(t.client, t.backend), newDirection(t.backend, t.client.Conn)
	down.down, up.first = true, buffered
	if c, ok := t.backend.(plainConn); ok {
		if conn, received := c.Plain(); conn != nil {
			down.raw, down.first = rawio.ConnOf(conn), received
		}
	}
	go t.copy(down)
	go t.copy(up)
}

// plainConn is a backend's connection without TLS.
type plainConn interface {
	Plain() (conn net.Conn, received []byte)
}

// copy carries one direction until its source ends. A clean end is passed on
// as such, so that the other direction can finish; an error ends both.
func (t *tunnel) copy(d *direction) {
	t.finish(d, d.copy())
}

func (t *tunnel) finish(d *direction, err error) {
	t.mu.Lock()
	if d.down {
		t.down = d.copied
	}
	t.ended++
	last, leaving := t.ended == 2, t.leaving
	t.mu.Unlock()
	switch {
	case last:
		t.close()
		t.rc.bytes = t.down
		t.done()
	case leaving && d.down: // leave closes the client's side
	case err != nil || !closeWrite(d.dst):
		t.close()
	default:
		time.AfterFunc(tunnelLinger, t.close)
	}
}

func (t *tunnel) close() {
	t.client.Close()
	t.backend.Close()
}

// terminate closes the tunnel from outside: the session ended, or the gateway
// stops.
func (t *tunnel) terminate(reason error) {
	t.note(reason)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client != nil {
		t.close()
	}
}

// note keeps the first reason, for the log.
func (t *tunnel) note(reason error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := (*apierror.Error)(nil); errors.As(reason, &e) && t.reason == nil && t.ended < 2 {
		t.reason = e
		if t.client != nil { // before that the request is the handshake's; open passes the reason on
			t.rc.refusal = e
		}
	}
}

// goAway ends the tunnel because the gateway stops. The client is told by a
// close frame, and its connection is closed once it has answered, or soon: one
// that is closed with bytes unread is reset, and the frame lost.
func (t *tunnel) goAway(reason error) {
	// Both before the frame: a client that answers at once may end the tunnel
	// before this returns.
	t.note(reason)
	t.mu.Lock()
	t.leaving = true
	client, backend := t.client, t.backend
	t.mu.Unlock()
	if client == nil {
		return // the tunnel is not open yet, and won't be: abandon tells the client
	}
	if !client.writeClose() {
		t.close()
		return
	}
	backend.Close()
	time.AfterFunc(goAwayLinger, t.close)
}

// closeWrite passes an end of stream on; false where the connection can't.
func closeWrite(w io.Writer) bool {
	c, ok := w.(interface{ CloseWrite() error })
	return ok && c.CloseWrite() == nil
}
