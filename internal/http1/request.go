package http1

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// framing is what the fields of a request say about its body and connection.
type framing struct {
	length     int64 // of the body; -1: chunked
	close      bool  // the connection ends after this request
	keepAlive  bool  // HTTP/1.0 asked for another request
	continues  bool  // the client waits for 100
	hosts      int
	lengths    int
	codings    int
	expects    int
	host       string
	lengthText string
	coding     string
	expect     string
}

// note takes one field into account. name is canonical.
func (f *framing) note(name, value string) {
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
		f.noteConnection(value)
	}
}

func (f *framing) noteConnection(value string) {
	for token := range strings.SplitSeq(value, ",") {
		switch token = textproto.TrimString(token); {
		case strings.EqualFold(token, "close"):
			f.close = true
		case strings.EqualFold(token, "keep-alive"):
			f.keepAlive = true
		}
	}
}

// validate checks the fields together.
func (f *framing) validate(minor int) *Refusal {
	if r := f.checkHost(minor); r != nil {
		return r
	}
	if r := f.bodyLength(minor); r != nil {
		return r
	}
	if f.expects > 1 || f.expects == 1 && !strings.EqualFold(f.expect, "100-continue") {
		return &Refusal{Reason: BadExpectation}
	}
	// RFC 9110, section 10.1.1: HTTP/1.0 knows no 100.
	f.continues = f.expects == 1 && f.length != 0 && minor > 0
	f.close = f.close || minor == 0 && !f.keepAlive
	return nil
}

// checkHost: one Host, none only in HTTP/1.0 (RFC 9112, section 3.2).
func (f *framing) checkHost(minor int) *Refusal {
	if f.hosts == 0 && minor == 0 {
		return nil
	}
	if f.hosts != 1 || !validHost(f.host) {
		return &Refusal{Reason: BadHost}
	}
	return nil
}

// bodyLength reads the body's length. What RFC 9112, section 6.3 leaves to the
// recipient's judgement is refused.
func (f *framing) bodyLength(minor int) *Refusal {
	switch {
	case f.codings > 0 && f.lengths > 0:
		return malformed("Content-Length stands beside Transfer-Encoding")
	case f.codings > 1:
		return malformed("there is more than one Transfer-Encoding")
	case f.lengths > 1:
		return malformed("there is more than one Content-Length")
	case f.codings == 1:
		f.length = -1
		return checkCoding(f.coding, minor)
	case f.lengths == 1:
		return f.readLength()
	}
	return nil
}

func (f *framing) readLength() *Refusal {
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

// checkCoding takes chunked alone. RFC 9112, sections 6.1 and 6.3: 501 for a
// coding that isn't known, 400 where chunked is not the last one.
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

// build makes the http.Request of a head that was parsed. The strings of the
// request are parts of one copy of the head.
func (t *transaction) build(head string) *Refusal {
	p, f := &t.head, &t.framing
	*f = framing{}
	t.splitFields(head)
	if r := f.validate(p.minor); r != nil {
		return r
	}
	method, target := p.method.of(head), p.target.of(head)
	if r := parseTarget(&t.url, method, target); r != nil {
		return r
	}
	r := t.request
	if t.ctx.CallbackStarted() {
		t.renewContext()
	}
	*r = *t.blank
	r.Method, r.RequestURI, r.URL, r.Header = method, target, &t.url, t.header
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, p.minor
	if p.minor == 0 {
		r.Proto = "HTTP/1.0"
	}
	r.Host, r.Close, r.ContentLength = f.host, f.close, f.length
	r.RemoteAddr, r.TLS = t.conn.remote, t.conn.tls
	if t.url.Host != "" {
		r.Host = t.url.Host // RFC 9112, section 3.2.2: the target's goes before the field's
	}
	if f.length < 0 {
		r.TransferEncoding = []string{"chunked"}
	}
	return t.announceTrailers()
}

// splitFields fills the map of fields. The value slices are made
// anew for each request: copies of the map share them.
func (t *transaction) splitFields(head string) {
	clear(t.header)
	values := make([]string, len(t.head.fields))
	for i, span := range t.head.fields {
		name, value := textproto.CanonicalMIMEHeaderKey(span.name.of(head)), span.value.of(head)
		t.framing.note(name, value)
		if hidden(name) {
			continue
		}
		values[i] = value
		if before := t.header[name]; before != nil {
			t.header[name] = append(before, value)
			continue
		}
		t.header[name] = values[i : i+1 : i+1]
	}
}

// hidden names are not in Request.Header: they have fields of their own there.
func hidden(name string) bool { return name == "Host" || name == "Transfer-Encoding" }

// announceTrailers moves Trailer to where net/http has it.
func (t *transaction) announceTrailers() *Refusal {
	lines := t.header["Trailer"]
	if lines == nil || t.framing.length >= 0 {
		return nil // without chunks there are none
	}
	delete(t.header, "Trailer")
	t.request.Trailer = http.Header{}
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			if name == "" || !allTokens([]byte(name)) || !allowedTrailer(name) {
				return malformed("Trailer names a field that can't be one")
			}
			t.request.Trailer[name] = nil
		}
	}
	return nil
}

// allowedTrailer: framing and routing fields are no trailers (RFC 9110,
// section 6.5.1).
func allowedTrailer(name string) bool {
	switch name {
	case "Content-Length", "Transfer-Encoding", "Trailer", "Host", "Connection", "Expect", "Te", "Upgrade", "Keep-Alive":
		return false
	}
	return true
}
