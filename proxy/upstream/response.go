package upstream

import (
	"io"
	"net/http"

	"wxgate/internal/fieldlist"
)

// Response is the final response to a request.
type Response struct {
	Proto      string // HTTP/1.0, HTTP/1.1 or HTTP/2.0
	Status     string // the code and perhaps a reason
	StatusCode int
	Header     fieldlist.List // names in canonical form; without Transfer-Encoding and Trailer

	// ContentLength is the body's length; -1: unknown. To a HEAD it is what GET
	// would give.
	ContentLength int64

	// Body must be read to its end or closed. That of a 101 response is an
	// io.ReadWriteCloser.
	Body io.ReadCloser

	// Address is the host and port of the target, as configured.
	Address string

	protoMinor int
	chunked    bool
	closeConn  bool           // the connection ends with it
	trailer    http.Header    // announced names without values, then what came
	std        *http.Response // what http.Transport has given; nil: it wasn't asked
}

// Trailer gives the names of the trailers that were announced, and, once the body
// has come to its end, what has come.
func (r *Response) Trailer() http.Header {
	if r.std != nil {
		return r.std.Trailer
	}
	return r.trailer
}

// setFromNetHTTP takes over a response of http.Transport.
func (r *Response) setFromNetHTTP(res *http.Response) {
	*r = Response{
		Proto: res.Proto, Status: res.Status, StatusCode: res.StatusCode, Header: fieldlist.FromHeader(res.Header),
		ContentLength: res.ContentLength, Body: res.Body, std: res,
	}
}
