package http1

import (
	"net/textproto"
	"strconv"
	"strings"
)

// requestFraming is what the fields of a request say about its body and connection.
type requestFraming struct {
	length          int64 // of the body; -1: chunked
	close           bool  // the connection closes after this request
	keepAlive       bool  // Connection: keep-alive, which HTTP/1.0 needs for another request
	expectsContinue bool  // the client waits for 100 Continue before it sends the body

	// The number of lines of each field, and the value of the last line.
	hosts, lengths, codings, expects int
	host, lengthText, coding, expect string
}

// addField records a field that concerns framing or the connection. name is canonical.
func (f *requestFraming) addField(name, value string) {
	switch name {
	case "Host":
		f.hosts++
		f.host = value
	case "Content-Length":
		f.lengths++
		f.lengthText = value
	case "Transfer-Encoding":
		f.codings++
		f.coding = value
	case "Expect":
		f.expects++
		f.expect = value
	case "Connection":
		f.addConnection(value)
	}
}

func (f *requestFraming) addConnection(value string) {
	for token := range strings.SplitSeq(value, ",") {
		switch token = textproto.TrimString(token); {
		case strings.EqualFold(token, "close"):
			f.close = true
		case strings.EqualFold(token, "keep-alive"):
			f.keepAlive = true
		}
	}
}

// validate checks the recorded fields, and sets length, close and expectsContinue.
func (f *requestFraming) validate(minor int) *Refusal {
	if r := f.checkHost(minor); r != nil {
		return r
	}
	if r := f.bodyLength(minor); r != nil {
		return r
	}
	if f.expects > 1 || f.expects == 1 && !strings.EqualFold(f.expect, "100-continue") {
		return &Refusal{Reason: BadExpectation}
	}
	// RFC 9110, section 10.1.1: HTTP/1.0 has no 100 Continue.
	f.expectsContinue = f.expects == 1 && f.length != 0 && minor > 0
	f.close = f.close || minor == 0 && !f.keepAlive
	return nil
}

// checkHost: one Host, none only in HTTP/1.0 (RFC 9112, section 3.2).
func (f *requestFraming) checkHost(minor int) *Refusal {
	if f.hosts == 0 && minor == 0 {
		return nil
	}
	if f.hosts != 1 || !validHost(f.host) {
		return &Refusal{Reason: BadHost}
	}
	return nil
}

// bodyLength determines the body's length. What RFC 9112, section 6.3 leaves to the
// recipient is refused.
func (f *requestFraming) bodyLength(minor int) *Refusal {
	switch {
	case f.codings > 0 && f.lengths > 0:
		return malformed("there are both Content-Length and Transfer-Encoding")
	case f.codings > 1:
		return malformed("there is more than one Transfer-Encoding")
	case f.lengths > 1:
		return malformed("there is more than one Content-Length")
	case f.codings == 1:
		f.length = -1
		return checkCoding(f.coding, minor)
	case f.lengths == 1:
		return f.parseLength()
	}
	return nil
}

func (f *requestFraming) parseLength() *Refusal {
	text := f.lengthText
	for i := range len(text) {
		if !isDigit(text[i]) {
			return malformed("Content-Length is not a plain number")
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || text[0] == '0' && len(text) > 1 {
		return malformed("Content-Length is not a plain number")
	}
	f.length = n
	return nil
}

// checkCoding accepts chunked alone. RFC 9112, sections 6.1 and 6.3: 501 for an unknown
// coding, 400 if chunked is not the last one.
func checkCoding(coding string, minor int) *Refusal {
	switch {
	case minor == 0:
		return malformed("HTTP/1.0 has no Transfer-Encoding")
	case strings.EqualFold(coding, "chunked"):
		return nil
	}
	codings := strings.Split(coding, ",")
	for i, c := range codings {
		if c = strings.Trim(c, " \t"); c == "" || !allTokens([]byte(c)) || i < len(codings)-1 && strings.EqualFold(c, "chunked") {
			return malformed("Transfer-Encoding is not chunked")
		}
		codings[i] = c
	}
	if len(codings) > 1 && !strings.EqualFold(codings[len(codings)-1], "chunked") {
		return malformed("Transfer-Encoding is not chunked")
	}
	return &Refusal{Reason: UnknownCoding}
}
