package upstream

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"wxgate/internal/fieldlist"
)

// framing is how the end of a response's body is found (RFC 9112, section 6.3).
type framing int

const (
	noBody      framing = iota
	fixedLength         // Response.ContentLength
	chunked
	untilClose
)

// parseFraming determines the framing of the response's body and whether the connection
// stays open, and removes the header fields that concern this connection only.
func parseFraming(res *Response, method string) (framing, error) {
	var f framingFields
	for i := range res.Header {
		f.add(&res.Header[i])
	}
	if f.lengths+f.codings > 1 {
		return 0, errFraming
	}
	res.ContentLength = -1
	if f.lengths == 1 {
		n, err := parseLength(f.length)
		if err != nil {
			return 0, errFraming
		}
		res.ContentLength = n
	}
	// HTTP/1.1 keeps the connection unless the response says close, HTTP/1.0 closes it
	// unless the response says keep-alive.
	res.closeConn = f.close || res.protoMinor == 0 && !f.keepAlive
	if f.codings == 1 {
		if !strings.EqualFold(f.coding, "chunked") || res.protoMinor == 0 || res.StatusCode < 200 {
			return 0, errFraming
		}
		res.chunked = true
		res.Header.Delete("Transfer-Encoding")
		if err := parseTrailerNames(res); err != nil {
			return 0, err
		}
	}
	return bodyFraming(res, method)
}

// framingFields are the fields of a header that concern the body's end and the
// connection.
type framingFields struct {
	lengths, codings int
	length, coding   string
	close, keepAlive bool
}

func (f *framingFields) add(field *fieldlist.Field) {
	switch field.Name {
	case "Content-Length":
		f.lengths++
		f.length = field.Value
	case "Transfer-Encoding":
		f.codings++
		f.coding = field.Value
	case "Connection":
		options := []string{field.Value}
		f.close = f.close || httpguts.HeaderValuesContainsToken(options, "close")
		f.keepAlive = f.keepAlive || httpguts.HeaderValuesContainsToken(options, "keep-alive")
	}
}

// bodyFraming returns the framing by method, status and length.
func bodyFraming(res *Response, method string) (framing, error) {
	switch {
	case res.StatusCode < 200 && res.ContentLength >= 0:
		return 0, errFraming
	case method == http.MethodHead:
		return noBody, nil // Content-Length, if any, is that of a GET
	case res.StatusCode < 200, res.StatusCode == http.StatusNoContent, res.StatusCode == http.StatusNotModified:
		res.ContentLength = 0
		return noBody, nil
	case res.chunked:
		return chunked, nil
	case res.ContentLength == 0:
		return noBody, nil
	case res.ContentLength > 0:
		return fixedLength, nil
	}
	res.closeConn = true
	return untilClose, nil
}

// parseLength parses digits only: no sign, no blanks.
func parseLength(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

// parseTrailerNames moves the names in Trailer from the header to the response's
// trailer, without values.
func parseTrailerNames(res *Response) error {
	if !res.Header.Has("Trailer") {
		return nil
	}
	announced := res.Header.Values("Trailer")
	res.Header.Delete("Trailer")
	for _, list := range announced {
		for name := range strings.SplitSeq(list, ",") {
			if name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); name == "" {
				continue
			}
			if isFramingField(name) || !httpguts.ValidHeaderFieldName(name) {
				return errField
			}
			if res.trailer == nil {
				res.trailer = http.Header{}
			}
			res.trailer[name] = nil
		}
	}
	return nil
}
