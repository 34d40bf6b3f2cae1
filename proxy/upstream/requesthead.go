package upstream

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"wxgate/internal/fieldlist"
)

var (
	// errHeader is an error of the caller: nothing was sent.
	errHeader = errors.New("the request has a method, host, path or header that HTTP/1.1 does not allow")

	errLength = errors.New("the request's body is not as long as its Content-Length")
)

// appendRequestHead appends a request's line and header to b. It refuses what a
// recipient could parse as something else (request splitting). shortBody is the body
// if it is in memory, else nil.
func appendRequestHead(b []byte, req *http.Request, header fieldlist.List, shortBody []byte) ([]byte, error) {
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	if !httpguts.ValidHeaderFieldName(method) || !httpguts.ValidHostHeader(req.Host) {
		return nil, errHeader
	}
	b = append(b, method...)
	b = append(b, ' ')
	b, ok := appendTarget(b, req)
	if !ok {
		return nil, errHeader
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, req.Host...)
	b = append(b, "\r\n"...)
	b = appendFraming(b, req, method, shortBody)
	for _, f := range header {
		if isFramingField(f.Name) {
			continue
		}
		if b, ok = appendField(b, f.Name, f.Value); !ok {
			return nil, errHeader
		}
	}
	return append(b, "\r\n"...), nil
}

// appendTarget appends path and query. net/url escapes them; the check at the end makes
// sure of it.
func appendTarget(b []byte, req *http.Request) ([]byte, bool) {
	start := len(b)
	u := req.URL
	if u.Opaque != "" {
		b = append(b, u.RequestURI()...)
	} else {
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		b = append(b, path...)
		if u.ForceQuery || u.RawQuery != "" {
			b = append(b, '?')
			b = append(b, u.RawQuery...)
		}
	}
	for _, c := range b[start:] {
		if c <= ' ' || c == 0x7f {
			return nil, false
		}
	}
	return b, len(b) > start
}

// isFramingField reports whether the head sets the field itself: what frames the
// message is never taken from the caller's header.
func isFramingField(name string) bool {
	switch len(name) {
	case len("Host"):
		return strings.EqualFold(name, "Host")
	case len("Trailer"):
		return strings.EqualFold(name, "Trailer")
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// isChunked reports whether the request's body is sent with chunked coding.
func isChunked(req *http.Request) bool {
	return hasBody(req) && (req.ContentLength < 1 || len(req.Trailer) > 0)
}

// appendFraming appends Content-Length, or Transfer-Encoding and Trailer.
func appendFraming(b []byte, req *http.Request, method string, shortBody []byte) []byte {
	length := max(req.ContentLength, 0)
	switch {
	case shortBody != nil:
		length = int64(len(shortBody))
	case isChunked(req):
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if len(req.Trailer) == 0 {
			return b
		}
		names := make([]string, 0, len(req.Trailer))
		for name := range req.Trailer {
			names = append(names, name)
		}
		b, _ = appendField(b, "Trailer", strings.Join(names, ", ")) // appendTrailers checks them
		return b
	case hasBody(req), method == http.MethodPost, method == http.MethodPut, method == http.MethodPatch:
	default:
		return b
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, length, 10)
	return append(b, "\r\n"...)
}

// validTrailerNames is checked before anything is sent.
func validTrailerNames(trailer http.Header) bool {
	for name := range trailer {
		if !httpguts.ValidHeaderFieldName(name) {
			return false
		}
	}
	return true
}

// appendTrailers appends the trailers and the empty line that ends a chunked body.
func appendTrailers(b []byte, trailer http.Header) ([]byte, error) {
	ok := true
	for name, values := range trailer {
		for _, v := range values {
			if b, ok = appendField(b, name, v); !ok {
				return nil, errHeader
			}
		}
	}
	return append(b, "\r\n"...), nil
}

// appendField appends a header line. It returns false if name or value is invalid.
func appendField(b []byte, name, value string) ([]byte, bool) {
	if !httpguts.ValidHeaderFieldName(name) || !validFieldValue(value) {
		return nil, false
	}
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...), true
}
