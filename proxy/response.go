package proxy

import (
	"context"
	"net/http"

	"wxgate/apierror"
	"wxgate/internal/fieldlist"
	"wxgate/internal/httprule"
	"wxgate/proxy/upstream"
)

// sendResponse sends the backend's response to the client as it arrives.
func (g *Gateway) sendResponse(ctx context.Context, rs *requestState, o *outboundRequest, res *upstream.Response, body *requestBody) error {
	g.storeCookies(ctx, rs, res)
	copier := newBodyCopier(res)
	defer copier.release()
	if err := copier.readAhead(); err != nil {
		// Nothing was sent yet, so respond with an error: a load balancer repeats a
		// request whose connection is closed without a byte of response.
		return g.forwardError(ctx, err, body)
	}
	rules := rs.config.headers
	h := rs.Header()
	copyResponseHeader(h, &res.Header, rules, o.values[:0])
	rs.rewriteLocation(h)
	rs.rewriteCookiePaths(h)
	if rs.isWebSocket() {
		spellWebSocketHeaders(h)
	}
	if _, sent := h["Content-Type"]; !sent {
		h["Content-Type"] = nil // net/http sniffs a type if there is no such key
	}
	if res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified {
		delete(h, "Content-Length") // RFC 9110, section 8.6: a 304's is the length of another response
	}
	announced := announceTrailers(h, res.Trailer(), rules)
	rs.responseHeaders = rs.route.withResponseRules(rs.responseHeaders)
	rs.WriteHeader(res.StatusCode)
	if err := copier.writeTo(rs); err != nil {
		rs.abort(g.forwardError(ctx, err, body))
	}
	sendTrailers(rs, res.Trailer(), announced)
	return nil
}

// copyResponseHeader copies the headers that a backend may send to a client. The values are
// stored in the memory of valueBuf, as far as it suffices.
func copyResponseHeader(dst http.Header, src *fieldlist.List, rules *httprule.Headers, valueBuf []string) {
	stripBackendHeaders(src, rules)
	src.CopyTo(dst, valueBuf)
}

// abort closes the connection in the middle of a response, so that the client does not
// treat it as complete. It sends the buffered part first: a client or load balancer that
// received nothing would repeat the request. abort does not return.
func (rs *requestState) abort(reason *apierror.Error) {
	rs.gatewayError = reason
	rs.Flush()
	panic(http.ErrAbortHandler)
}
