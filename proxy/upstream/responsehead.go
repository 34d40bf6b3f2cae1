package upstream

import (
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"wxgate/internal/fieldlist"
)

const (
	// maxInterim bounds the interim (1xx) responses to one request.
	maxInterim = 100

	maxFields = 1000 // of one response's header
)

var (
	errStatusLine = errors.New("the status line is malformed")
	errField      = errors.New("a header line is malformed")
	errManyFields = errors.New("too many header lines")
	errFraming    = errors.New("the response's length is ambiguous")
	errInterim    = errors.New("too many interim responses")
)

// readHead reads a response's status line and header into res. It is stricter than
// net/http: what two parsers could read differently is an error. What it accepts,
// net/http reads alike.
//
// Refused are: LF without CR, CR elsewhere, control characters, folded lines,
// blanks before the colon, names that aren't tokens, more than one Content-Length
// or Transfer-Encoding or both, codings other than chunked, any coding in HTTP/1.0.
func (pc *persistConn) readHead(res *Response, limit int) (size int, err error) {
	if err := pc.readProtocol(); err != nil {
		return 0, err
	}
	head, err := pc.readHeadText(limit)
	if err != nil {
		return 0, err
	}
	text := string(head)
	line, rest, _ := strings.Cut(text, "\r\n")
	if !parseStatusLine(res, line) {
		return 0, errStatusLine
	}
	res.Header, err = parseFields(res.Header, rest)
	return len(text), err
}

// readProtocol makes sure, before lines are waited for, that it is HTTP at all.
func (pc *persistConn) readProtocol() error {
	const protocol = "HTTP/1."
	for {
		b := pc.buffered()
		n := min(len(b), len(protocol))
		if string(b[:n]) != protocol[:n] {
			return errStatusLine
		}
		if n == len(protocol) {
			return nil
		}
		pc.ensureRoom()
		if err := pc.fill(); err != nil {
			return err
		}
	}
}

// readHeadText reads up to the empty line, which it leaves out.
func (pc *persistConn) readHeadText(limit int) (head []byte, err error) {
	begin := 0
	for lines := 0; ; lines++ {
		end, err := pc.lineEnd(begin, limit)
		if err != nil {
			return nil, err
		}
		if end == begin { // the empty line; the first line isn't: readProtocol
			head = pc.buffered()[:begin]
			pc.r += begin + len("\r\n")
			return head, nil
		}
		if lines > maxFields {
			return nil, errManyFields
		}
		begin = end + len("\r\n")
	}
}

// parseStatusLine reads "HTTP/1.1 200 OK", whose reason may be missing.
func parseStatusLine(res *Response, line string) bool {
	const minimum = len("HTTP/1.1 200")
	if len(line) < minimum || line[8] != ' ' || line[7] != '0' && line[7] != '1' ||
		len(line) > minimum && line[minimum] != ' ' || !validFieldValue(line) {
		return false
	}
	status := 0
	for _, c := range []byte(line[9:minimum]) {
		if c < '0' || c > '9' {
			return false
		}
		status = 10*status + int(c-'0')
	}
	res.Proto, res.protoMinor = line[:8], int(line[7]-'0')
	res.Status, res.StatusCode = strings.TrimLeft(line[9:], " "), status
	return status >= 100
}

// parseFields reads header lines, each of which ends in CRLF, and puts them behind
// those in the list.
func parseFields(list fieldlist.List, lines string) (fieldlist.List, error) {
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t") // textproto.TrimString takes CR and LF away too
		if !ok || !httpguts.ValidHeaderFieldName(name) || !validFieldValue(value) {
			return nil, errField
		}
		list.Add(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	return list, nil
}

// validFieldValue: no control characters but tabs.
func validFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// framing is how long a response's body is.
type framing int

const (
	noBody      framing = iota
	fixedLength         // Response.ContentLength
	chunked
	untilClose
)

// parseFraming reads what the header says of the body's length, and of the
// connection, and takes out what concerns this connection alone.
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
	// HTTP/1.1 keeps a connection unless told otherwise, HTTP/1.0 the other way round.
	res.closeConn = f.close || res.protoMinor == 0 && !f.keepAlive
	if f.codings == 1 {
		if !strings.EqualFold(f.coding, "chunked") || res.protoMinor == 0 || res.StatusCode < 200 {
			return 0, errFraming
		}
		res.chunked = true
		res.Header.Delete("Transfer-Encoding")
		if err := announceTrailers(res); err != nil {
			return 0, err
		}
	}
	return bodyFraming(res, method)
}

// framingFields are the fields that frame a response.
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

func bodyFraming(res *Response, method string) (framing, error) {
	switch {
	case res.StatusCode < 200 && res.ContentLength >= 0:
		return 0, errFraming
	case method == http.MethodHead:
		return noBody, nil // the length, if any, is of what GET would give
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

// parseLength reads digits and nothing else.
func parseLength(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

// announceTrailers moves the names in Trailer to the response's trailer.
func announceTrailers(res *Response) error {
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
