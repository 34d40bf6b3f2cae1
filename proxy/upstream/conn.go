package upstream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"time"
)

// maxBeforeHeaders bounds all that a target may send before the headers of its
// final response, interim (1xx) responses included, in bytes.
const maxBeforeHeaders = 1 << 20

// conn is an HTTP/1 connection to a target, TLS included or not. It knows what
// http.Transport won't tell: whether anything of a request has been written, how
// much has come of the answer, and whether an idle connection is quiet. A target
// that says more than it was asked for would otherwise have its surplus taken for
// the answer to the next request, another client's.
type conn struct {
	net.Conn
	keeping *keepAlive

	noise int  // writes of so many bytes are TLS's own, not a request
	lone  bool // nobody reads while it is idle

	asked   atomic.Bool // something was written since the connection was taken
	parked  atomic.Bool // the reader waits for bytes, so it holds none back
	dead    atomic.Bool
	bounded atomic.Bool // the headers are still to come

	written atomic.Int64 // bytes since the connection was taken
	read    atomic.Int64 // likewise
	uses    atomic.Int64 // requests so far
	heard   atomic.Int64 // when bytes of the first answer last came, in Unix nanoseconds
}

// tlsAlert is the size of the longest record with an alert, which crypto/tls
// sends when it closes a connection. A record with a request is longer: its
// shortest head has 26 bytes, and the record's own 22 at the least.
const tlsAlert = 31

// dialer returns the DialContext of a transport whose every connection goes to
// the first of the addresses that takes it.
func dialer(dials []string, timeout time.Duration, wrap func(net.Conn) net.Conn) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		for _, addr := range dials {
			if c, err = d.DialContext(ctx, network, addr); err == nil {
				return wrap(c), nil
			}
		}
		return nil, err
	}
}

// watched finds the conn below a transport's connection; nil for HTTP/2, where
// requests share one.
func watched(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		if t.ConnectionState().NegotiatedProtocol == "h2" {
			return nil
		}
		c = t.NetConn()
	}
	w, _ := c.(*conn)
	return w
}

func (c *conn) Read(p []byte) (int, error) {
	c.parked.Store(true)
	n, err := c.Conn.Read(p)
	if err != nil {
		c.lost(err)
	}
	c.parked.Store(false)
	if n == 0 {
		return 0, err
	}
	if !c.asked.Load() {
		c.Close()
		return 0, errUnasked
	}
	if c.read.Add(int64(n)) > maxBeforeHeaders && c.bounded.Load() {
		c.Close()
		return 0, errHeaderSize
	}
	if c.uses.Load() == 1 {
		c.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	c.asked.Store(true)
	n, err := c.Conn.Write(p)
	if len(p) > c.noise {
		c.written.Add(int64(n))
	}
	return n, err
}

// CloseWrite lets an upgraded connection be closed half.
func (c *conn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

func (c *conn) Close() error {
	c.dead.Store(true)
	return c.Conn.Close()
}

// lost notes the end of the connection.
func (c *conn) lost(err error) {
	if c.dead.Swap(true) || err != io.EOF || c.uses.Load() != 1 {
		return
	}
	c.keeping.closed(time.Unix(0, c.heard.Load()))
}

// taken begins the account of a request on the connection.
func (c *conn) taken() {
	c.uses.Add(1)
	c.written.Store(0)
	c.read.Store(0)
	c.bounded.Store(true)
}

// quiet reports whether a connection that was idle is fit to be used: the
// target has neither closed it nor said anything since its last answer. The
// transport's reader gets back to waiting within microseconds of that answer's
// end, unless there is more in its buffer, which makes it hang up.
func (c *conn) quiet() bool {
	if c.lone {
		return !c.dead.Load() && !c.pending()
	}
	c.asked.Store(false)
	for tries := 0; !c.parked.Load(); tries++ {
		if c.dead.Load() || tries > 200 {
			return false
		}
		if tries < 20 {
			runtime.Gosched()
		} else {
			time.Sleep(50 * time.Microsecond)
		}
	}
	return !c.dead.Load()
}

// headersCame ends the bound on what comes.
func (c *conn) headersCame() {
	if c != nil {
		c.bounded.Store(false)
	}
}
