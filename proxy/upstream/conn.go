package upstream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// readerWait is how long http.Transport's reader may take to get back to waiting.
const readerWait = 10 * time.Millisecond

// maxBeforeHeaders bounds all that a target may send before the headers of its
// final response, interim (1xx) responses included, in bytes.
const maxBeforeHeaders = 1 << 20

// trackedConn is an HTTP/1.1 connection of http.Transport. It knows
// what http.Transport doesn't tell: whether anything of a request has been written,
// how much has come of the response, and whether an idle connection has received
// anything. What a target sends beyond its response would otherwise be taken for
// the response to the next request, another client's.
type trackedConn struct {
	net.Conn
	earlyClose *earlyCloseDetector

	changed chan struct{} // has an element after readBlocked or dead was set

	tlsOverhead int // writes of up to so many bytes are TLS's own, not a request

	requestWritten atomic.Bool // something was written since beginRequest
	readBlocked    atomic.Bool // a Read is waiting, so the reader holds nothing back
	closed         atomic.Bool
	headLimited    atomic.Bool // the headers are still to come

	written         atomic.Int64 // bytes since beginRequest
	read            atomic.Int64 // likewise
	uses            atomic.Int64 // requests so far
	firstResponseAt atomic.Int64 // when bytes of the first response last came, in Unix nanoseconds
}

// tlsAlertSize is the size of the longest record with an alert, which crypto/tls
// sends when it earlyClose a connection. A record with a request is longer: its
// shortest head has 26 bytes, and the record's own 22 at the least.
const tlsAlertSize = 31

// dialer returns the DialContext of a transport whose every connection goes to
// the first of the addresses that takes it.
func dialer(dialAddrs []string, timeout time.Duration, wrap func(net.Conn) net.Conn) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		for _, addr := range dialAddrs {
			if c, err = d.DialContext(ctx, network, addr); err == nil {
				return wrap(c), nil
			}
		}
		return nil, err
	}
}

// trackedConnOf finds the trackedConn below a transport's connection; nil for HTTP/2, where
// requests share one.
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

// CloseWrite ends the sending direction of an upgraded connection.
func (c *trackedConn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

func (c *trackedConn) Close() error {
	c.closed.Store(true)
	c.notify()
	return c.Conn.Close()
}

// lost notes that reading has failed.
func (c *trackedConn) recordReadError(err error) {
	wasDead := c.closed.Swap(true)
	c.notify()
	if wasDead || err != io.EOF || c.uses.Load() != 1 {
		return
	}
	c.earlyClose.recordClose(time.Unix(0, c.firstResponseAt.Load()))
}

// beginRequest starts counting for a request on the connection.
func (c *trackedConn) beginRequest() {
	c.uses.Add(1)
	c.written.Store(0)
	c.read.Store(0)
	c.headLimited.Store(true)
}

// idleClean reports whether a connection that was idle may be used: the target has
// neither closed it nor sent anything since its last response. http.Transport's
// reader gets back to waiting within microseconds of that response's end, unless
// there is more in its buffer, which makes it close the connection.
func (c *trackedConn) stillIdle() bool {
	c.requestWritten.Store(false)
	return c.waitFor(readerWait, c.readBlocked.Load) && !c.closed.Load()
}

// waitClosed waits until the target has closed the connection, for at most d.
func (c *trackedConn) waitClosed(d time.Duration) { c.waitFor(d, func() bool { return false }) }

// await waits until done holds, which it reports, or the connection is closed.
func (c *trackedConn) waitFor(d time.Duration, done func() bool) bool {
	if c.closed.Load() || done() {
		return done()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	for !c.closed.Load() && !done() {
		select {
		case <-c.changed:
		case <-timer.C:
			return done()
		}
	}
	return done()
}

// notify wakes await.
func (c *trackedConn) notify() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// headReceived ends the limit on what is received.
func (c *trackedConn) headReceived() {
	if c != nil {
		c.headLimited.Store(false)
	}
}
