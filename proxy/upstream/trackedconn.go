package upstream

import (
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// trackedConn is an HTTP/1.1 connection of http.Transport. It records what
// http.Transport doesn't report: whether any byte of a request was written, how many
// bytes of the response were received, and whether an idle connection has received
// anything. Without that check, bytes that a target sends after its response would be
// read as the response to the next request, which may be another client's.
type trackedConn struct {
	net.Conn
	earlyClose *earlyCloseDetector

	changed chan struct{} // buffered; has an element after readBlocked or closed was set

	tlsOverhead int // a write of at most this many bytes is a TLS alert, not a request

	requestWritten atomic.Bool // something was written since stillIdle
	readBlocked    atomic.Bool // a Read is waiting: the reader has no unread bytes
	closed         atomic.Bool
	headLimited    atomic.Bool // the headers have not been received

	written         atomic.Int64 // bytes written since beginRequest
	read            atomic.Int64 // bytes read since beginRequest
	uses            atomic.Int64 // requests so far
	firstResponseAt atomic.Int64 // when bytes of the first response were last received, in Unix nanoseconds
}

// tlsAlertSize is the size of the longest TLS record with an alert, which crypto/tls sends
// when it closes a connection. A record with a request is longer: the shortest request
// head has 26 bytes, and the record adds at least 22.
const tlsAlertSize = 31

// trackedConnOf returns the trackedConn under a connection of http.Transport. It is nil
// for HTTP/2, where requests share a connection.
func trackedConnOf(c net.Conn) *trackedConn {
	if t, ok := c.(*tls.Conn); ok {
		if t.ConnectionState().NegotiatedProtocol == "h2" {
			return nil
		}
		c = t.NetConn()
	}
	w, _ := c.(*trackedConn)
	return w
}

func (c *trackedConn) Read(p []byte) (int, error) {
	c.readBlocked.Store(true)
	c.notify()
	n, err := c.Conn.Read(p)
	if err != nil {
		c.recordReadError(err)
	}
	c.readBlocked.Store(false)
	if n == 0 {
		return 0, err
	}
	if !c.requestWritten.Load() {
		c.Close()
		return 0, errUnsolicited
	}
	if c.read.Add(int64(n)) > maxBeforeHeaders && c.headLimited.Load() {
		c.Close()
		return 0, errHeaderSize
	}
	if c.uses.Load() == 1 {
		c.firstResponseAt.Store(time.Now().UnixNano())
	}
	return n, err
}

func (c *trackedConn) Write(p []byte) (int, error) {
	c.requestWritten.Store(true)
	n, err := c.Conn.Write(p)
	if len(p) > c.tlsOverhead {
		c.written.Add(int64(n))
	}
	return n, err
}

// CloseWrite closes the sending direction of an upgraded connection.
func (c *trackedConn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

func (c *trackedConn) Close() error {
	c.closed.Store(true)
	c.notify()
	return c.Conn.Close()
}

// recordReadError marks the connection as closed. If the target has closed it after
// its first response, the earlyCloseDetector records it.
func (c *trackedConn) recordReadError(err error) {
	wasClosed := c.closed.Swap(true)
	c.notify()
	if wasClosed || err != io.EOF || c.uses.Load() != 1 {
		return
	}
	c.earlyClose.recordClose(time.Unix(0, c.firstResponseAt.Load()))
}

// beginRequest resets the counters for a request on the connection.
func (c *trackedConn) beginRequest() {
	c.uses.Add(1)
	c.written.Store(0)
	c.read.Store(0)
	c.headLimited.Store(true)
}

// headReceived ends the limit on the bytes received: the headers are complete.
func (c *trackedConn) headReceived() {
	if c != nil {
		c.headLimited.Store(false)
	}
}

// waitFor waits until condition returns true, the connection is closed, or d has passed.
// It returns the result of condition.
func (c *trackedConn) waitFor(d time.Duration, condition func() bool) bool {
	if c.closed.Load() || condition() {
		return condition()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	for !c.closed.Load() && !condition() {
		select {
		case <-c.changed:
		case <-timer.C:
			return condition()
		}
	}
	return condition()
}

// notify wakes waitFor.
func (c *trackedConn) notify() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}
