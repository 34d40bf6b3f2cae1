package proxy

import (
	"io"
	"strings"
	"sync"

	"wxgate/proxy/upstream"
)

// copyBuffer is the buffer for copying bodies and tunnels.
type copyBuffer [32 << 10]byte

var copyBuffers = sync.Pool{New: func() any { return new(copyBuffer) }}

// readAheadBytes is how much of a body of known length is read before the header is
// sent: if the backend fails within it, the response is a 502. net/http buffers as
// much before it sends a header.
const readAheadBytes = 4 << 10

// bodyCopier copies a response's body. If the length is not known (event streams,
// chunked, gRPC), it flushes after each read.
type bodyCopier struct {
	src    io.Reader
	stream bool
	buf    *copyBuffer
	ahead  int   // bytes in buf that readAhead has read
	err    error // of readAhead
}

func newBodyCopier(res *upstream.Response) bodyCopier {
	return bodyCopier{src: res.Body, stream: isStream(res), buf: copyBuffers.Get().(*copyBuffer)}
}

func (c *bodyCopier) release() { copyBuffers.Put(c.buf) }

// isStream reports whether the body may be a stream, whose parts must reach the client
// at once: its length is not known, or it is an event stream.
func isStream(res *upstream.Response) bool {
	return res.ContentLength < 0 || isEventStream(res.Header.Get("Content-Type"))
}

func isEventStream(contentType string) bool {
	return strings.HasPrefix(contentType, "text/event-stream")
}

// readAhead reads the first readAheadBytes of a body of known length.
func (c *bodyCopier) readAhead() error {
	for !c.stream && c.err == nil && c.ahead < readAheadBytes {
		var n int
		n, c.err = c.src.Read(c.buf[c.ahead:])
		c.ahead += n
	}
	if c.err == io.EOF {
		return nil
	}
	return c.err
}

// writeTo copies the rest of the body to the client.
func (c *bodyCopier) writeTo(rs *requestState) error {
	if c.stream {
		rs.Flush() // sends the header: the client may wait for it before any part of the body
	}
	for n, err := c.ahead, c.err; ; n, err = c.src.Read(c.buf[:]) {
		if n > 0 {
			if _, werr := rs.Write(c.buf[:n]); werr != nil {
				return werr
			}
			if c.stream {
				rs.Flush()
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
