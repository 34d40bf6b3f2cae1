package upstream

import (
	"io"
	"net/http"

	"wxgate/internal/fieldlist"
)

// Response is the final response to a request.
type Response struct {
	Proto      string // HTTP/1.0, HTTP/1.1 or HTTP/2.0
	Status     string // the code and, if there is one, the reason
	StatusCode int
	Header     fieldlist.List // names in canonical form; without Transfer-Encoding and Trailer

	// ContentLength is the body's length in bytes; -1: unknown. For a HEAD request
	// it is the length that a GET would have.
	ContentLength int64

	// Body must be read to its end or closed. For a 101 response it is an
	// io.ReadWriteCloser, the connection.
	Body io.ReadCloser

	// Address is the host and port of the target, as configured.
	Address string

	protoMinor int
	chunked    bool
	closeConn  bool           // the connection closes after the response
	trailer    http.Header    // the announced names without values; after the body, the received trailers
	netHTTP    *http.Response // the response of http.Transport; nil: it was not used
}

// Trailer returns the announced trailers without values, and, once the body has been
// read to its end, the received ones.
func (r *Response) Trailer() http.Header {
	if r.netHTTP != nil {
		return r.netHTTP.Trailer
	}
	return r.trailer
}

// setFromNetHTTP sets r from a response of http.Transport.
func (r *Response) setFromNetHTTP(res *http.Response) {
	*r = Response{
		Proto: res.Proto, Status: res.Status, StatusCode: res.StatusCode, Header: fieldlist.FromHeader(res.Header),
		ContentLength: res.ContentLength, Body: res.Body, netHTTP: res,
	}
}
