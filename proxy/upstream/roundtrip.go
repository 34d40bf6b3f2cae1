package upstream

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"

	"wxgate/internal/fieldlist"
)

// RoundTrip is Do for callers that take an http.RoundTripper. The request, its URL
// and its header must be the caller's to give away.
func (g *Group) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := g.Do(callOf(req))
	if err != nil {
		return nil, err
	}
	return res.forNetHTTP(req), nil
}

// callOf is the Call that http.RoundTripper's form of a request stands for.
func callOf(req *http.Request) *Call {
	c := &Call{Request: req, Header: fieldlist.FromHeader(req.Header)}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.Got1xxResponse != nil {
		c.Interim = func(status int, h fieldlist.List) error {
			return trace.Got1xxResponse(status, textproto.MIMEHeader(h.Header()))
		}
	}
	return c
}

// forNetHTTP gives the response the form that net/http's client would.
func (r *Response) forNetHTTP(req *http.Request) *http.Response {
	if r.std != nil {
		r.std.Body = r.Body
		return r.std
	}
	res := &http.Response{
		Proto: r.Proto, ProtoMajor: 1, ProtoMinor: r.protoMinor, Status: r.Status, StatusCode: r.StatusCode,
		Header: r.Header.Header(), ContentLength: r.ContentLength, Close: r.closeConn, Trailer: r.trailer, Body: r.Body, Request: req,
	}
	if r.chunked {
		res.TransferEncoding = []string{"chunked"}
		res.Body = &trailedBody{r.Body, r, res}
	}
	return res
}

// trailedBody puts trailers, which come behind a body, where net/http has them.
type trailedBody struct {
	io.ReadCloser
	from *Response
	to   *http.Response
}

func (b *trailedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.to.Trailer = b.from.trailer
	}
	return n, err
}
