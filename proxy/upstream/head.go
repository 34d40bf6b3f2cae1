package upstream

import (
	"bufio"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

var errLength = errors.New("the request's body is not as long as declared")

// head is a request's line and header, checked and ready to be written.
type head struct {
	req     *http.Request
	target  string
	chunked bool
}

// newHead refuses what HTTP/1.1 can't express without being read as
// something else.
func newHead(req *http.Request) (head, error) {
	h := head{req: req, target: req.URL.RequestURI(), chunked: hasBody(req) && (req.ContentLength < 1 || len(req.Trailer) > 0)}
	if !httpguts.ValidHeaderFieldName(req.Method) || !validTarget(h.target) || !httpguts.ValidHostHeader(req.Host) {
		return h, errHeader
	}
	for _, fields := range []http.Header{req.Header, req.Trailer} {
		for name, values := range fields {
			if !validField(name, values) {
				return h, errHeader
			}
		}
	}
	return h, nil
}

// validTarget: URL.RequestURI escapes what it must, this makes sure.
func validTarget(target string) bool {
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f {
			return false
		}
	}
	return target != ""
}

func validField(name string, values []string) bool {
	for _, v := range values {
		if !httpguts.ValidHeaderFieldValue(v) {
			return false
		}
	}
	return httpguts.ValidHeaderFieldName(name)
}

// setByHead lists the headers that the head sets itself.
func setByHead(name string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

// write puts the head into the buffer. Errors of w stick: the flush tells them.
func (h head) write(w *bufio.Writer) error {
	for _, s := range [...]string{h.req.Method, " ", h.target, " HTTP/1.1\r\nHost: ", h.req.Host, "\r\n"} {
		_, _ = w.WriteString(s)
	}
	h.writeFraming(w)
	for name, values := range h.req.Header {
		if setByHead(name) {
			continue
		}
		if len(values) == 1 && values[0] == "" && name == "User-Agent" {
			continue // net/http's way to say: send none
		}
		writeField(w, name, values)
	}
	_, err := w.WriteString("\r\n")
	return err
}

func (h head) writeFraming(w *bufio.Writer) {
	switch {
	case h.chunked:
		_, _ = w.WriteString("Transfer-Encoding: chunked\r\n")
		if len(h.req.Trailer) > 0 {
			names := make([]string, 0, len(h.req.Trailer))
			for name := range h.req.Trailer {
				names = append(names, name)
			}
			writeField(w, "Trailer", []string{strings.Join(names, ", ")})
		}
	case hasBody(h.req), h.req.Method == http.MethodPost, h.req.Method == http.MethodPut, h.req.Method == http.MethodPatch:
		_, _ = w.WriteString("Content-Length: ")
		var room [20]byte
		_, _ = w.Write(strconv.AppendInt(room[:0], max(h.req.ContentLength, 0), 10))
		_, _ = w.WriteString("\r\n")
	}
}

// writeTrailers ends a chunked body. Their values came after newHead looked.
func writeTrailers(w *bufio.Writer, trailers http.Header) error {
	for name, values := range trailers {
		if !validField(name, values) {
			return errHeader
		}
		writeField(w, name, values)
	}
	_, err := w.WriteString("\r\n")
	return err
}

func writeField(w *bufio.Writer, name string, values []string) {
	for _, v := range values {
		_, _ = w.WriteString(name)
		_, _ = w.WriteString(": ")
		_, _ = w.WriteString(v)
		_, _ = w.WriteString("\r\n")
	}
}
