package upstream

import (
	"io"
	"net/http"

	"wxgate/internal/fieldlist"
)

// RoundTrip makes Group an http.RoundTripper. It is Do without what only a Call has: a
// hash key, interim responses and a Canceler. The request and its URL may be modified.
func (g *Group) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := g.Do(callOf(req))
	if err != nil {
		return nil, err
	}
	return res.forNetHTTP(req), nil
}

func callOf(req *http.Request) *Call {
	return &Call{Request: req, Header: fieldlist.FromHeader(req.Header)}
}

// forNetHTTP returns the response in the form of net/http's client.
func (r *Response) forNetHTTP(req *http.Request) *http.Response {
	if r.netHTTP != nil {
		r.netHTTP.Body = r.Body
		return r.netHTTP
	}
	res := &http.Response{
		Proto: r.Proto, ProtoMajor: 1, ProtoMinor: r.protoMinor, Status: r.Status, StatusCode: r.StatusCode,
		Header: r.Header.Header(), ContentLength: r.ContentLength, Close: r.closeConn, Trailer: r.trailer, Body: r.Body, Request: req,
	}
	if r.chunked {
		res.TransferEncoding = []string{"chunked"}
		res.Body = &trailerBody{r.Body, r, res}
	}
	return res
}

// trailerBody sets the trailers of an http.Response once its body has been read.
type trailerBody struct {
	io.ReadCloser
	from *Response
	to   *http.Response
}

func (b *trailerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.to.Trailer = b.from.trailer
	}
	return n, err
}
