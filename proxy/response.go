package proxy

import (
	"context"
	"net/http"

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

// abort closes the connection in the middle of a response, so that the client does not
// take it for a complete one. What is buffered is sent first: a client or load balancer
// that received nothing would repeat the request. abort does not return.
func (rc *requestContext) abort(reason *apierror.Error) {
	rc.gatewayError = reason
	rc.Flush()
	panic(http.ErrAbortHandler)
}
