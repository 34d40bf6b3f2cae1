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
	// halfCloseTimeout is how long the second direction of a tunnel may stay open
	// after the first has ended.
	halfCloseTimeout = 10 * time.Second

	// closeHandshakeTimeout is how long a client may take to reply to a close frame.
	closeHandshakeTimeout = 500 * time.Millisecond
)

// tunnel copies the bytes of a WebSocket between the client's connection and the
// backend's, in both directions.
type tunnel struct {
	gateway   *Gateway
	stopWatch func() // of the session

	mu        sync.Mutex
	record    requestRecord // set by attach, but for gatewayError: why the tunnel was terminated; nil: it was not
	client    *frameWriter
	backend   io.ReadWriteCloser
	ended     int  // directions that have ended
	goingAway bool // the gateway shuts down: the client gets a close frame
}

// attach sets the request's record and both connections. It reports false if the
// tunnel was terminated before; then closeUnstarted must be called.
func (t *tunnel) attach(record requestRecord, client net.Conn, backend io.ReadWriteCloser) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	reason := t.record.gatewayError
	t.record, t.client, t.backend = record, &frameWriter{Conn: client}, backend
	t.record.gatewayError = reason
	return reason == nil
}

// closeUnstarted closes a tunnel that was not started.
func (t *tunnel) closeUnstarted() {
	t.mu.Lock()
	t.ended = 2
	goingAway := t.goingAway
	t.mu.Unlock()
	if goingAway {
		t.client.writeClose()
	}
	t.close()
	t.recordEnd()
}

// recordEnd counts and logs the request. It is called once, after both directions have
// ended.
func (t *tunnel) recordEnd() {
	t.stopWatch()
	t.gateway.tunnels.remove(t)
	t.gateway.Metrics.openWebSockets.Dec()
	t.gateway.recordRequest(&t.record)
}

// start copies in both directions. buffered holds bytes that were read from the client
// before.
func (t *tunnel) start(buffered []byte) {
	toClient, toBackend := newTunnelCopy(t.client, t.backend), newTunnelCopy(t.backend, t.client.Conn)
	toClient.toClient, toBackend.buffered = true, buffered
	if c, ok := t.backend.(unwrapper); ok {
		if conn, received := c.Unwrap(); conn != nil {
			toClient.rawConn, toClient.buffered = rawio.ConnOf(conn), received
		}
	}
	go t.copyDirection(toClient)
	go t.copyDirection(toBackend)
}

// unwrapper is implemented by a backend's connection. Unwrap returns nil over TLS.
type unwrapper interface {
	Unwrap() (conn net.Conn, received []byte)
}

// copyDirection copies one direction until its source ends.
func (t *tunnel) copyDirection(c *tunnelCopy) {
	t.directionEnded(c, c.run())
}

// directionEnded handles the end of one direction. A clean end half-closes the destination, so
// that the other direction can finish; an error closes both connections.
func (t *tunnel) directionEnded(c *tunnelCopy, err error) {
	t.mu.Lock()
	if c.toClient {
		t.record.bytes = c.copied
	}
	t.ended++
	last, goingAway := t.ended == 2, t.goingAway
	t.mu.Unlock()
	switch {
	case last:
		t.close()
		t.recordEnd()
	case goingAway && c.toClient: // closeGoingAway closes the client's connection
	case err != nil || !closeWrite(c.dst):
		t.close()
	default:
		time.AfterFunc(halfCloseTimeout, t.close)
	}
}

func (t *tunnel) close() {
	t.client.Close()
	t.backend.Close()
}

// terminate closes both connections at once.
func (t *tunnel) terminate(reason error) {
	t.recordReason(reason)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client != nil {
		t.close()
	}
}

// recordReason records the first reason, for the access log.
func (t *tunnel) recordReason(reason error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := (*apierror.Error)(nil); errors.As(reason, &e) && t.record.gatewayError == nil && t.ended < 2 {
		t.record.gatewayError = e
	}
}

// closeGoingAway closes the tunnel because the gateway shuts down. It sends the client
// a close frame and closes the client's connection after the client has replied, or
// after closeHandshakeTimeout: closing a TCP connection with unread bytes sends a
// reset, and the client would lose the frame.
func (t *tunnel) closeGoingAway(reason error) {
	// Set both before the frame is sent: a client that replies at once may end the
	// tunnel before this method returns.
	t.recordReason(reason)
	t.mu.Lock()
	t.goingAway = true
	client, backend := t.client, t.backend
	t.mu.Unlock()
	if client == nil {
		return // attach will report false, and closeUnstarted sends the close frame
	}
	if !client.writeClose() {
		t.close()
		return
	}
	backend.Close()
	time.AfterFunc(closeHandshakeTimeout, t.close)
}

// closeWrite half-closes w; it reports false if w does not support that.
func closeWrite(w io.Writer) bool {
	c, ok := w.(interface{ CloseWrite() error })
	return ok && c.CloseWrite() == nil
}
