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

// sendResponse sends the backend's response to the client, as it comes.
func (g *Gateway) sendResponse(ctx context.Context, rc *requestContext, f *outboundRequest, res *upstream.Response, body *requestBody) error {
	g.storeCookies(ctx, rc, res)
	copied := newBodyCopy(res)
	defer copied.release()
	if err := copied.readAhead(); err != nil {
		// Nothing of the answer has left: a connection that ends without a
		// byte would make load balancers send the request again.
		return g.forwardError(ctx, err, body)
	}
	rules := rc.config.headers
	h := rc.Header()
	copyResponseHeader(h, &res.Header, rules, f.values[:0])
	rc.rewriteLocation(h)
	rc.rewriteCookiePaths(h)
	if rc.isWebSocket() {
		spellWebSocketHeaders(h)
	}
	if _, sent := h["Content-Type"]; !sent {
		h["Content-Type"] = nil // else net/http guesses one
	}
	if res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified {
		delete(h, "Content-Length") // RFC 9110, section 8.6; a 304's is that of another answer
	}
	announced := announceTrailers(h, res.Trailer(), rules)
	rc.responseHeaders = rc.route.changeResponse(rc.responseHeaders)
	rc.WriteHeader(res.StatusCode)
	if err := copied.writeTo(rc); err != nil {
		rc.abort(g.forwardError(ctx, err, body))
	}
	sendTrailers(rc, res.Trailer(), announced)
	return nil
}

// copyResponseHeader copies what a backend may tell a client.
// The values are put in room, as far as that suffices.
func copyResponseHeader(dst http.Header, src *fieldlist.List, rules *httprule.Headers, room []string) {
	keepFromBackend(src, rules)
	src.CopyTo(dst, room)
}

// changeResponse puts the route's own rules behind the ones already there.
func (rt *Route) changeResponse(before func(http.Header)) func(http.Header) {
	if len(rt.ResponseSet) == 0 && len(rt.ResponseRemove) == 0 {
		return before
	}
	return func(h http.Header) {
		for _, name := range rt.ResponseRemove {
			delete(h, name)
		}
		for name, value := range rt.ResponseSet {
			h[name] = []string{value}
		}
		if before != nil {
			before(h)
		}
	}
}

// abort breaks the connection off: a client must not take half an answer for
// a whole one. What is buffered is sent first, so that the client sees that
// there was an answer. It does not return.
func (rc *requestContext) abort(reason *apierror.Error) {
	rc.gatewayError = reason
	rc.Flush()
	panic(http.ErrAbortHandler)
}

// copyBuffer is what bodies are copied through.
type copyBuffer [32 << 10]byte

var copyBuffers = sync.Pool{New: func() any { return new(copyBuffer) }}

// readAheadBytes of a body of known length are read before the header is sent,
// so that a backend that dies within a short body is answered with 502. net/http
// would keep back as much.
const readAheadBytes = 4 << 10

// bodyCopy copies a response's body. Where its length isn't known beforehand
// (events, chunked, gRPC) each piece is flushed at once.
type bodyCopy struct {
	src    io.Reader
	stream bool
	buf    *copyBuffer
	ahead  int   // bytes in buf that were read ahead
	err    error // what the reading ahead ended with
}

func newBodyCopy(res *upstream.Response) bodyCopy {
	return bodyCopy{src: res.Body, stream: isStream(res), buf: copyBuffers.Get().(*copyBuffer)}
}

func (c *bodyCopy) release() { copyBuffers.Put(c.buf) }

// isStream: an answer of unknown length may go on for ever, and its pieces are
// for now.
func isStream(res *upstream.Response) bool {
	return res.ContentLength < 0 || isEventStream(res.Header.Get("Content-Type"))
}

func isEventStream(contentType string) bool {
	return strings.HasPrefix(contentType, "text/event-stream")
}

// readAhead reads the beginning of a body of known length.
func (c *bodyCopy) readAhead() error {
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

func (c *bodyCopy) writeTo(rc *requestContext) error {
	if c.stream {
		rc.Flush() // the header alone may be what the client waits for
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
