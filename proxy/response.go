package proxy

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"wxgate/apierror"
	"wxgate/internal/fieldlist"
	"wxgate/internal/httprule"
	"wxgate/proxy/upstream"
)

// sendResponse sends the backend's response to the client while it is received.
func (g *Gateway) sendResponse(ctx context.Context, rc *requestContext, o *outboundRequest, res *upstream.Response, body *requestBody) error {
	g.storeCookies(ctx, rc, res)
	copier := newBodyCopier(res)
	defer copier.release()
	if err := copier.readAhead(); err != nil {
		// Nothing was sent yet, so respond with an error: a load balancer repeats a
		// request whose connection is closed without a byte of response.
		return g.forwardError(ctx, err, body)
	}
	rules := rc.config.headers
	h := rc.Header()
	copyResponseHeader(h, &res.Header, rules, o.values[:0])
	rc.rewriteLocation(h)
	rc.rewriteCookiePaths(h)
	if rc.isWebSocket() {
		spellWebSocketHeaders(h)
	}
	if _, sent := h["Content-Type"]; !sent {
		h["Content-Type"] = nil // net/http sniffs a type where there is no such key
	}
	if res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified {
		delete(h, "Content-Length") // RFC 9110, section 8.6: a 304's is the length of another response
	}
	announced := announceTrailers(h, res.Trailer(), rules)
	rc.responseHeaders = rc.route.withResponseRules(rc.responseHeaders)
	rc.WriteHeader(res.StatusCode)
	if err := copier.writeTo(rc); err != nil {
		rc.abort(g.forwardError(ctx, err, body))
	}
	sendTrailers(rc, res.Trailer(), announced)
	return nil
}

// copyResponseHeader copies the headers that a backend may send to a client. It uses the
// memory of room for the values, and allocates what room does not hold.
func copyResponseHeader(dst http.Header, src *fieldlist.List, rules *httprule.Headers, room []string) {
	stripBackendHeaders(src, rules)
	src.CopyTo(dst, room)
}

// withResponseRules returns a function that applies response_headers of the route, and
// then next: the gateway's own headers replace the route's.
func (rt *Route) withResponseRules(next func(http.Header)) func(http.Header) {
	if len(rt.ResponseSet) == 0 && len(rt.ResponseRemove) == 0 {
		return next
	}
	return func(h http.Header) {
		for _, name := range rt.ResponseRemove {
			delete(h, name)
		}
		for name, value := range rt.ResponseSet {
			h[name] = []string{value}
		}
		if next != nil {
			next(h)
		}
	}
}

// abort closes the connection in the middle of a response, so that the client does not
// take it for a complete one. What is buffered is sent first: a client or load balancer
// that received nothing would repeat the request. abort does not return.
func (rc *requestContext) abort(reason *apierror.Error) {
	rc.gatewayError = reason
	rc.Flush()
	panic(http.ErrAbortHandler)
}

// copyBuffer is the buffer for copying bodies and tunnels.
type copyBuffer [32 << 10]byte

var copyBuffers = sync.Pool{New: func() any { return new(copyBuffer) }}

// readAheadBytes is how much of a body of known length is read before the header is
// sent: where the backend fails within it, the response is a 502. net/http buffers as
// much before it sends a header.
const readAheadBytes = 4 << 10

// bodyCopier copies a response's body. Where the length is not known (event streams,
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
func (c *bodyCopier) writeTo(rc *requestContext) error {
	if c.stream {
		rc.Flush() // sends the header: the client may wait for it before any part of the body
	}
	for n, err := c.ahead, c.err; ; n, err = c.src.Read(c.buf[:]) {
		if n > 0 {
			if _, werr := rc.Write(c.buf[:n]); werr != nil {
				return werr
			}
			if c.stream {
				rc.Flush()
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
