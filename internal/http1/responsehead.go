package http1

import (
	"net/http"
	"net/textproto"
	"strings"
)

// encodeHeader encodes the status line and the header into headBuf, except for the fields
// that appendFraming adds.
func (w *responseWriter) encodeHeader() {
	w.headBuf = appendStatusLine(w.headBuf[:0], w.status)
	_, hasType := w.header["Content-Type"]
	_, hasCoding := w.header["Content-Encoding"]
	w.sniff = !hasType && !hasCoding
	hasDate := false
	for name, values := range w.header {
		switch name {
		case "Content-Length":
			w.parseContentLength(values)
		case "Transfer-Encoding": // set by appendFraming
		case "Connection":
			w.encodeConnection(values)
		case "Trailer":
			w.encodeTrailerNames(values)
		default:
			if strings.HasPrefix(name, http.TrailerPrefix) {
				w.trailerNames = append(w.trailerNames, name)
				continue
			}
			hasDate = hasDate || name == "Date"
			w.headBuf = appendFields(w.headBuf, name, values)
		}
	}
	if !hasDate {
		w.headBuf = appendDate(w.headBuf)
	}
}

func (w *responseWriter) parseContentLength(values []string) {
	if len(values) != 1 || !w.bodyAllowed() {
		return
	}
	f := requestFraming{lengthText: textproto.TrimString(values[0])}
	if f.parseLength() == nil {
		w.length = f.length
	}
}

// encodeConnection encodes options other than close and keep-alive, which the server
// sets itself.
func (w *responseWriter) encodeConnection(values []string) {
	var f requestFraming
	for _, v := range values {
		f.addConnection(v)
	}
	w.close = w.close || f.close
	if !f.close && !f.keepAlive {
		w.headBuf = appendFields(w.headBuf, "Connection", values)
	}
}

// encodeTrailerNames encodes Trailer, and records the names in it.
func (w *responseWriter) encodeTrailerNames(values []string) {
	for _, line := range values {
		for name := range strings.SplitSeq(line, ",") {
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			if allowedTrailer(name) && name != "" {
				w.trailerNames = append(w.trailerNames, name)
			}
		}
	}
	w.headBuf = appendFields(w.headBuf, "Trailer", values)
}

// bodyAllowed reports whether the status allows a body (RFC 9110, section 6.4.1). A
// 204 or 304 has no Content-Length either.
func (w *responseWriter) bodyAllowed() bool {
	return w.status >= 200 && w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

func (w *responseWriter) isHead() bool { return w.t.request.Method == http.MethodHead }

// appendFraming completes the head with the body's length or coding and the
// connection's persistence (RFC 9112, sections 6 and 9.3).
func (w *responseWriter) appendFraming(final bool) {
	http10 := w.t.head.minor == 0
	if final && w.length < 0 && len(w.trailerNames) == 0 && (w.written > 0 || !w.isHead()) {
		w.length = w.written
	}
	endKnown := !w.bodyAllowed() || w.isHead() // the client finds the end of the body without the connection's end
	if w.length >= 0 && w.bodyAllowed() {
		w.headBuf = appendLength(w.headBuf, w.length)
		endKnown = true
	}
	if !endKnown && !http10 {
		w.chunked = true
		w.headBuf = append(w.headBuf, "Transfer-Encoding: chunked\r\n"...)
	}
	w.close = w.close || !endKnown && http10 || w.mustClose(final)
	switch {
	case w.status == http.StatusSwitchingProtocols:
	case w.close:
		w.headBuf = append(w.headBuf, "Connection: close\r\n"...)
	case http10:
		w.headBuf = append(w.headBuf, "Connection: keep-alive\r\n"...)
	}
	w.headBuf = append(w.headBuf, "\r\n"...)
}

// guessType sets the Content-Type as net/http does for handlers that set none.
func (w *responseWriter) guessType(p []byte) {
	w.sniff = false
	if w.headerSent {
		return
	}
	first := w.bodyBuf
	if len(first) == 0 {
		first = p
	}
	w.headBuf = appendField(w.headBuf, "Content-Type", http.DetectContentType(first))
}

// mustClose reports whether the connection can't be reused after the response.
func (w *responseWriter) mustClose(final bool) bool {
	t := w.t
	if t.framing.close || t.conn.server.noKeepAlive.Load() || w.status == http.StatusSwitchingProtocols {
		return true
	}
	if t.body == nil || t.body.sawEOF.Load() {
		return false
	}
	return w.continueNotSent() || final && !t.body.discardable()
}

// continueNotSent reports whether the client expects a 100 Continue that was not sent.
// Such a client may send the body or omit it: the server can't tell whether the next bytes
// are the body or another request.
func (w *responseWriter) continueNotSent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t.framing.expectsContinue && !w.sentContinue
}
