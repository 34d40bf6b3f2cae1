package upstream

import (
	"errors"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"

	"wxgate/internal/fieldlist"
)

// Limits of what a target may send before the body of its final response.
const (
	maxBeforeHeaders = 1 << 20   // bytes, interim (1xx) responses and the final header together
	maxHeaderBytes   = 256 << 10 // of one response
	maxInterim       = 100       // interim responses to one request
	maxFields        = 1000      // of one response's header
)

var (
	errStatusLine = errors.New("the status line is malformed")
	errField      = errors.New("a header line is malformed")
	errManyFields = errors.New("too many header lines")
	errFraming    = errors.New("the response's length is ambiguous")
	errInterim    = errors.New("too many interim responses")
)

// readHead reads a response's status line and header into res, and returns their size
// in bytes. It is stricter than net/http: it refuses what two parsers could read
// differently, and reads the rest as net/http does.
//
// Refused are: LF without CR, CR elsewhere, control characters, folded lines, blanks
// before the colon, names that aren't tokens, more than one Content-Length or
// Transfer-Encoding or both, codings other than chunked, any coding in HTTP/1.0.
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

// readProtocol checks that the response starts like HTTP/1, before a whole line is
// awaited.
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

// readHeadText returns the lines up to the empty line, without that one.
func (pc *persistConn) readHeadText(limit int) (head []byte, err error) {
	start := 0
	for lines := 0; ; lines++ {
		end, err := pc.lineEnd(start, limit)
		if err != nil {
			return nil, err
		}
		if end == start { // the empty line; the first line isn't empty (readProtocol)
			head = pc.buffered()[:start]
			pc.r += start + len("\r\n")
			return head, nil
		}
		if lines > maxFields {
			return nil, errManyFields
		}
		start = end + len("\r\n")
	}
}

// parseStatusLine parses "HTTP/1.1 200 OK". The reason may be missing.
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

// parseFields parses header lines, each of which ends in CRLF, and appends them to the
// list.
func parseFields(list fieldlist.List, lines string) (fieldlist.List, error) {
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t") // textproto.TrimString would remove CR and LF too
		if !ok || !httpguts.ValidHeaderFieldName(name) || !validFieldValue(value) {
			return nil, errField
		}
		list.Add(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	return list, nil
}

// validFieldValue reports whether the value has no control characters except tabs.
func validFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
