package http1

import (
	"net/http"
	"net/textproto"
	"strings"
)

// build builds the http.Request from a parsed head. The request's strings are parts of
// one copy of the head.
func (t *transaction) build(head string) *Refusal {
	p, f := &t.head, &t.framing
	*f = requestFraming{}
	t.setHeader(head)
	if r := f.validate(p.minor); r != nil {
		return r
	}
	method, target := p.method.of(head), p.target.of(head)
	if r := parseTarget(&t.url, method, target); r != nil {
		return r
	}
	r := t.request
	// A goroutine that was waiting for the end of the last request's context may call its
	// Err at any time, such as that of a derived context: package context panics on nil.
	if t.ctx.CallbackStarted() || t.ctx.Shared() {
		t.renewContext()
	}
	*r = *t.emptyRequest
	r.Method, r.RequestURI, r.URL, r.Header = method, target, &t.url, t.header
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, p.minor
	if p.minor == 0 {
		r.Proto = "HTTP/1.0"
	}
	r.Host, r.Close, r.ContentLength = f.host, f.close, f.length
	r.RemoteAddr, r.TLS = t.conn.remoteAddr, t.conn.tlsState
	if t.url.Host != "" {
		r.Host = t.url.Host // RFC 9112, section 3.2.2: the target's host takes precedence over the field's
	}
	if f.length < 0 {
		r.TransferEncoding = []string{"chunked"}
	}
	return t.parseTrailerNames()
}

// setHeader sets the request's header from the parsed field lines. The value slices are
// allocated for each request: copies of the map share them.
func (t *transaction) setHeader(head string) {
	clear(t.header)
	values := make([]string, len(t.head.fields))
	for i, span := range t.head.fields {
		name, value := textproto.CanonicalMIMEHeaderKey(span.name.of(head)), span.value.of(head)
		t.framing.addField(name, value)
		if keptOutOfHeader(name) {
			continue
		}
		values[i] = value
		if earlier := t.header[name]; earlier != nil {
			t.header[name] = append(earlier, value)
			continue
		}
		t.header[name] = values[i : i+1 : i+1]
	}
}

// keptOutOfHeader reports whether net/http keeps a field outside of Request.Header.
func keptOutOfHeader(name string) bool { return name == "Host" || name == "Transfer-Encoding" }

// parseTrailerNames moves the names in Trailer to Request.Trailer, as net/http does.
func (t *transaction) parseTrailerNames() *Refusal {
	lines := t.header["Trailer"]
	if lines == nil || t.framing.length >= 0 {
		return nil // only a chunked body has trailers
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

// allowedTrailer reports whether a field may be a trailer: not those of framing and
// routing (RFC 9110, section 6.5.1).
func allowedTrailer(name string) bool {
	switch name {
	case "Content-Length", "Transfer-Encoding", "Trailer", "Host", "Connection", "Expect", "Te", "Upgrade", "Keep-Alive":
		return false
	}
	return true
}
