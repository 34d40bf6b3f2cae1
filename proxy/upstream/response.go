package upstream

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

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

// inFlightBody is a response's body. The request counts as in flight at its
// endpoint until the body has been read to its end, has failed or is closed.
type inFlightBody struct {
	io.ReadCloser
	endpoint *endpoint
	done     atomic.Bool
}

func (b *inFlightBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

func (b *inFlightBody) Close() error {
	err := b.ReadCloser.Close()
	b.release()
	return err
}

func (b *inFlightBody) release() {
	if !b.done.Swap(true) {
		b.endpoint.release()
	}
}

// inFlightUpgrade is the connection that a 101 response hands over. It counts
// as in flight until it is closed.
type inFlightUpgrade struct {
	io.ReadWriteCloser
	endpoint *endpoint
	done     atomic.Bool
}

// Plain gives the connection to a target that speaks in the plain, for who reads it
// without this wrapper, and what was received together with the response, to be taken
// first; nil where there is none.
func (u *inFlightUpgrade) Plain() (c net.Conn, received []byte) {
	if c, ok := u.ReadWriteCloser.(*upgradedConn); ok {
		received, c.rest = c.rest, nil
		return c.Conn, received
	}
	return nil, nil
}

func (u *inFlightUpgrade) Close() error {
	err := u.ReadWriteCloser.Close()
	if !u.done.Swap(true) {
		u.endpoint.release()
	}
	return err
}

// CloseWrite ends the direction to the target and leaves the other one open.
func (u *inFlightUpgrade) CloseWrite() error {
	half, ok := u.ReadWriteCloser.(interface{ CloseWrite() error })
	if !ok {
		return u.Close()
	}
	return half.CloseWrite()
}

// SetWriteDeadline bounds how long a target that doesn't read can hold what is
// written to it. It is not supported over TLS.
func (u *inFlightUpgrade) SetWriteDeadline(t time.Time) error {
	c, ok := u.ReadWriteCloser.(interface{ SetWriteDeadline(time.Time) error })
	if !ok {
		return errors.ErrUnsupported
	}
	return c.SetWriteDeadline(t)
}
