package upstream

import (
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
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
func (pc *persistConn) readHead(res *http.Response, limit int) (size int, err error) {
	if err := pc.awaitProtocol(); err != nil {
		return 0, err
	}
	head, lines, err := pc.readHeadText(limit)
	if err != nil {
		return 0, err
	}
	text := string(head)
	line, rest, _ := strings.Cut(text, "\r\n")
	if !parseStatusLine(res, line) {
		return 0, errStatusLine
	}
	res.Header = make(http.Header, lines)
	return len(text), parseFields(res.Header, rest, lines)
}

// awaitProtocol makes sure, before lines are waited for, that it is HTTP at all.
func (pc *persistConn) awaitProtocol() error {
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
		pc.makeRoom()
		if err := pc.fill(); err != nil {
			return err
		}
	}
}

// readHeadText reads up to the empty line, which it leaves out, and counts the
// lines behind the first.
func (pc *persistConn) readHeadText(limit int) (head []byte, lines int, err error) {
	for begin := 0; ; lines++ {
		end, err := pc.lineEnd(begin, limit)
		if err != nil {
			return nil, 0, err
		}
		if end == begin { // the empty line; the first line isn't: awaitProtocol
			head = pc.buffered()[:begin]
			pc.r += begin + len("\r\n")
			return head, lines - 1, nil
		}
		if lines > maxFields {
			return nil, 0, errManyFields
		}
		begin = end + len("\r\n")
	}
}

// parseStatusLine reads "HTTP/1.1 200 OK", whose reason may be missing.
func parseStatusLine(res *http.Response, line string) bool {
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
	res.Proto, res.ProtoMajor, res.ProtoMinor = line[:8], 1, int(line[7]-'0')
	res.Status, res.StatusCode = strings.TrimLeft(line[9:], " "), status
	return status >= 100
}

// parseFields reads header lines, each of which ends in CRLF.
func parseFields(h http.Header, lines string, count int) error {
	values := make([]string, 0, count)
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t") // textproto.TrimString takes CR and LF away too
		if !ok || !httpguts.ValidHeaderFieldName(name) || !validFieldValue(value) {
			return errField
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if before := h[name]; before != nil {
			h[name] = append(before, value)
			continue
		}
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return nil
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
// connection, and leaves Response as net/http does.
func parseFraming(res *http.Response, method string) (framing, error) {
	lengths, codings := res.Header["Content-Length"], res.Header["Transfer-Encoding"]
	if len(lengths)+len(codings) > 1 {
		return 0, errFraming
	}
	res.ContentLength = -1
	if len(lengths) == 1 {
		n, err := parseLength(lengths[0])
		if err != nil {
			return 0, errFraming
		}
		res.ContentLength = n
	}
	res.Close = closesConnection(res)
	if len(codings) == 1 {
		if !strings.EqualFold(codings[0], "chunked") || res.ProtoMinor == 0 || res.StatusCode < 200 {
			return 0, errFraming
		}
		delete(res.Header, "Transfer-Encoding")
		res.TransferEncoding = []string{"chunked"}
		if err := announceTrailers(res); err != nil {
			return 0, err
		}
	}
	return bodyFraming(res, method)
}

func bodyFraming(res *http.Response, method string) (framing, error) {
	switch {
	case res.StatusCode < 200 && res.ContentLength >= 0:
		return 0, errFraming
	case method == http.MethodHead:
		return noBody, nil // the length, if any, is of what GET would give
	case res.StatusCode < 200, res.StatusCode == http.StatusNoContent, res.StatusCode == http.StatusNotModified:
		res.ContentLength = 0
		return noBody, nil
	case res.TransferEncoding != nil:
		return chunked, nil
	case res.ContentLength == 0:
		return noBody, nil
	case res.ContentLength > 0:
		return fixedLength, nil
	}
	res.Close = true
	return untilClose, nil
}

// parseLength reads digits and nothing else.
func parseLength(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

// closesConnection: HTTP/1.1 keeps a connection unless told otherwise, HTTP/1.0
// the other way round.
func closesConnection(res *http.Response) bool {
	options := res.Header["Connection"]
	if httpguts.HeaderValuesContainsToken(options, "close") {
		return true
	}
	return res.ProtoMinor == 0 && !httpguts.HeaderValuesContainsToken(options, "keep-alive")
}

// announceTrailers moves the names in Trailer to Response.Trailer.
func announceTrailers(res *http.Response) error {
	announced, ok := res.Header["Trailer"]
	if !ok {
		return nil
	}
	delete(res.Header, "Trailer")
	for _, list := range announced {
		for name := range strings.SplitSeq(list, ",") {
			if name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); name == "" {
				continue
			}
			if setByHead(name) || !httpguts.ValidHeaderFieldName(name) {
				return errField
			}
			if res.Trailer == nil {
				res.Trailer = http.Header{}
			}
			res.Trailer[name] = nil
		}
	}
	return nil
}
