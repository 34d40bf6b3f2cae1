package http1

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
)

// sendBody sends the head if it has not been sent, the buffered part of the body, and
// p. final means that p is the end of the response.
func (w *responseWriter) sendBody(p []byte, final bool) {
	if w.sniff && (len(w.bodyBuf) > 0 || len(p) > 0) && w.bodyAllowed() {
		w.guessType(p)
	}
	if !w.headerSent {
		w.appendFraming(final)
	} else {
		w.headBuf = w.headBuf[:0]
	}
	body, tail := w.bodyBuf, []byte(nil)
	w.bodyBuf = w.bodyBuf[:0]
	switch {
	case w.isHead() || !w.bodyAllowed():
		body, p = nil, nil
	case w.chunked:
		if size := len(body) + len(p); size > 0 {
			w.headBuf = appendChunkLine(w.headBuf, size)
			tail = lineEnd
		}
	}
	w.headBuf = append(w.headBuf, body...)
	if final && w.chunked {
		w.headBuf = append(append(w.headBuf, p...), tail...)
		w.headBuf = w.appendTrailer(w.headBuf)
		p, tail = nil, nil
	}
	if len(w.headBuf)+len(p)+len(tail) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.headerSent = true
	w.send(w.headBuf, p, tail)
}

// send writes up to three slices by one system call.
func (w *responseWriter) send(head, p, tail []byte) {
	if w.err != nil {
		return
	}
	rwc := w.t.conn.rwc
	tcp, isTCP := w.t.conn.accepted.Conn.(*net.TCPConn)
	switch {
	case len(p) == 0:
		_, w.err = rwc.Write(append(head, tail...))
	case isTCP && w.t.conn.tlsState == nil:
		w.pieces = [3][]byte{head, p, tail}
		w.vector = w.pieces[:]
		_, w.err = w.vector.WriteTo(tcp)
		w.pieces = [3][]byte{}
	default:
		_, w.err = rwc.Write(slices.Concat(head, p, tail))
	}
	if w.err != nil {
		w.t.ctx.end(context.Canceled)
	}
}

// finishResponse sends the rest of the response. last means that no other request may
// follow on the connection.
func (w *responseWriter) finishResponse() (last bool, err error) {
	defer func() { w.handlerDone = true }()
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if b := w.t.body; b != nil && !w.headerSent && b.err == nil {
		b.discardBuffered()
	}
	short := w.length > w.written && w.bodyAllowed() && !w.isHead()
	if short {
		w.close = true
	}
	w.sendBody(nil, true)
	if w.err == nil && short {
		w.err = io.ErrShortWrite
	}
	return w.close || w.status == http.StatusSwitchingProtocols, w.err
}

// truncate sends the buffered part of an incomplete response. If only the end of the
// connection marks the end of the body, the next close resets the connection, so that the
// client does not treat the response as complete.
func (w *responseWriter) truncate() {
	w.handlerDone = true
	w.sendBody(nil, false)
	if tcp, ok := w.t.conn.accepted.Conn.(*net.TCPConn); ok && !w.chunked && w.length < 0 && w.bodyAllowed() {
		_ = tcp.SetLinger(0)
	}
}

// appendTrailer appends the last chunk and the trailer section: the fields in Trailer and
// those with http.TrailerPrefix.
func (w *responseWriter) appendTrailer(out []byte) []byte {
	out = append(out, "0\r\n"...)
	for _, name := range w.trailerNames {
		if !strings.HasPrefix(name, http.TrailerPrefix) {
			out = appendFields(out, name, w.header[name])
		}
	}
	for name, values := range w.header {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok && allowedTrailer(trailer) {
			out = appendFields(out, trailer, values)
		}
	}
	return append(out, "\r\n"...)
}
