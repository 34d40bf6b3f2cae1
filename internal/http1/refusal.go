package http1

import (
	"net/http"
	"strconv"
	"time"
)

// Reason is why a request is refused, or why the server responds in place of the
// handler.
type Reason int

const (
	BadRequest      Reason = iota // 400: not HTTP, or ambiguous
	BadTarget                     // 400: the request target
	BadHost                       // 400: the Host field, or the host in the target
	HeaderTimeout                 // 408: the head was not complete in time
	BadExpectation                // 417: Expect is not 100-continue
	HeaderTooLarge                // 431
	UnknownCoding                 // 501: a transfer coding other than chunked
	UnknownVersion                // 505: a version other than HTTP/1.0 and HTTP/1.1
	HandlerAborted                // 502: the handler panicked before anything was sent
	Overloaded                    // 503: MaxConnections are open
	PlainOnTLS                    // 400: HTTP without TLS on a TLS listener
	numberOfReasons = iota
)

var reasons = [numberOfReasons]struct {
	status int
	text   string
}{
	BadRequest:     {http.StatusBadRequest, "the request is not valid HTTP/1.1"},
	BadTarget:      {http.StatusBadRequest, "the request target is not valid"},
	BadHost:        {http.StatusBadRequest, "the request must name one valid host"},
	HeaderTimeout:  {http.StatusRequestTimeout, "the request's header came too slowly"},
	BadExpectation: {http.StatusExpectationFailed, "Expect may only be 100-continue"},
	HeaderTooLarge: {http.StatusRequestHeaderFieldsTooLarge, "the request's header is too large"},
	UnknownCoding:  {http.StatusNotImplemented, "the only known transfer coding is chunked"},
	UnknownVersion: {http.StatusHTTPVersionNotSupported, "the known versions of HTTP/1 are 1.0 and 1.1"},
	HandlerAborted: {http.StatusBadGateway, "the response was aborted"},
	Overloaded:     {http.StatusServiceUnavailable, "too many connections are open"},
	PlainOnTLS:     {http.StatusBadRequest, "this is an HTTPS port"},
}

// Status returns the reason's status code (RFC 9110, RFC 6585).
func (r Reason) Status() int { return reasons[r].status }

// Refusal describes a request that is not passed to the handler, or a response that the
// server sends in the handler's place.
type Refusal struct {
	Reason     Reason
	Detail     string // what is wrong, for people; holds nothing that the client sent
	RemoteAddr string
}

// Message returns Detail, or the reason's text if that is empty.
func (r Refusal) Message() string {
	if r.Detail != "" {
		return r.Detail
	}
	return reasons[r.Reason].text
}

// Field is a header field of a RefusalResponse.
type Field struct{ Name, Value string }

// RefusalResponse is the response to a refused request. The server adds Date,
// Content-Length and Connection.
type RefusalResponse struct {
	Status int // 0: the reason's
	Header []Field
	Body   []byte
}

// refusal returns the encoded response to a refused request.
func (s *Server) refusal(r Refusal) []byte {
	res := RefusalResponse{Header: []Field{{"Content-Type", "text/plain; charset=utf-8"}}, Body: []byte(r.Message() + "\n")}
	if s.Refuse != nil {
		res = s.Refuse(r)
	}
	if res.Status == 0 {
		res.Status = r.Reason.Status()
	}
	out := appendStatusLine(nil, res.Status)
	for _, f := range res.Header {
		out = appendField(out, f.Name, f.Value)
	}
	out = appendDate(out)
	out = append(out, "Content-Length: "...)
	out = strconv.AppendInt(out, int64(len(res.Body)), 10)
	out = append(out, "\r\nConnection: close\r\n\r\n"...)
	return append(out, res.Body...)
}

// writeRefusal responds to a request that is not passed to the handler, and closes
// the connection.
func (c *conn) writeRefusal(r Refusal) {
	r.RemoteAddr = c.remoteAddr
	_ = c.setWriteDeadline(time.Now().Add(refusalTimeout))
	if _, err := c.rwc.Write(c.server.refusal(r)); err == nil {
		c.linger()
	}
	c.close()
}

const refusalTimeout = 10 * time.Second
