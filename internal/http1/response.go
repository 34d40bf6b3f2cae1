package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"
)

// response is the http.ResponseWriter. It keeps an answer's head and the
// beginning of its body until there is more than the buffer takes, the handler
// flushes or returns: a short answer is sent in one write.
type response struct {
	t      *transaction
	header http.Header

	head []byte // the status line and fields, without those of framing
	body []byte // what follows and is not sent yet

	status   int   // 0: WriteHeader has not been called
	length   int64 // Content-Length as the handler has it; -1: unknown
	written  int64 // bytes of body that the handler has written
	declared []string
	sniff    bool // a Content-Type is to be guessed
	close    bool // the connection ends after this answer
	chunked  bool
	sent     bool // the head has left the buffer
	hijacked bool
	over     bool // the handler has returned
	err      error

	mu       sync.Mutex // orders 100 before the answer
	noMore1x bool
	told100  bool

	vector net.Buffers
	pieces [3][]byte
}

// bodyBuffer is how much of a body is kept to be sent with what follows.
const bodyBuffer = 4 << 10

func (w *response) init(t *transaction) {
	w.t, w.header = t, http.Header{}
	w.head, w.body = make([]byte, 0, 1<<10), make([]byte, 0, bodyBuffer)
}

// begin gets ready for another answer.
func (w *response) begin() {
	w.discard()
	clear(w.header)
	w.close, w.sent, w.hijacked, w.over, w.noMore1x, w.told100, w.err = false, false, false, false, false, false, nil
}

// discard forgets what is in the buffers.
func (w *response) discard() {
	w.head, w.body = w.head[:0], w.body[:0]
	w.status, w.length, w.written, w.declared = 0, -1, 0, nil
	w.sniff, w.chunked = false, false
}

// clear lets go of what the last handler had.
func (w *response) clear() {
	w.begin()
	w.over = true
	if cap(w.head) > maxKeptBuffer {
		w.head = make([]byte, 0, 1<<10)
	}
}

// Header gives the answer's header, until WriteHeader takes it.
func (w *response) Header() http.Header { return w.header }

// Unsent reports whether nothing of the answer has been sent, 1xx apart.
func (w *response) Unsent() bool { return !w.sent && !w.hijacked && w.err == nil }

// Reset takes back an answer of which nothing has been sent, so that another
// can be given. It is false where it is too late.
func (w *response) Reset() bool {
	if !w.Unsent() || w.over {
		return false
	}
	w.discard()
	clear(w.header)
	w.close = false
	return true
}

// WriteHeader takes the header as it is now. With a status of 1xx other than
// 101 it is sent at once, and another one follows (RFC 9110, section 15.2).
func (w *response) WriteHeader(status int) {
	switch {
	case w.hijacked || w.over || w.status != 0:
		return
	case status < 100 || status > 999:
		panic("http1: invalid status code")
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.writeInterim(status)
		return
	}
	w.status = status
	w.takeHeader()
}

func (w *response) takeHeader() {
	w.head = appendStatusLine(w.head[:0], w.status)
	_, typed := w.header["Content-Type"]
	_, coded := w.header["Content-Encoding"]
	w.sniff = !typed && !coded
	dated := false
	for name, values := range w.header {
		switch name {
		case "Content-Length":
			w.takeLength(values)
		case "Transfer-Encoding": // the server's own
		case "Connection":
			w.takeConnection(values)
		case "Trailer":
			w.takeTrailer(values)
		default:
			if strings.HasPrefix(name, http.TrailerPrefix) {
				w.declared = append(w.declared, name)
				continue
			}
			dated = dated || name == "Date"
			w.head = appendFields(w.head, name, values)
		}
	}
	if !dated {
		w.head = appendDate(w.head)
	}
}

func (w *response) takeLength(values []string) {
	if len(values) != 1 || !w.bodyAllowed() {
		return
	}
	f := framing{lengthText: textproto.TrimString(values[0])}
	if f.readLength() == nil {
		w.length = f.length
	}
}

// takeConnection keeps what is not about this connection's life.
func (w *response) takeConnection(values []string) {
	var f framing
	for _, v := range values {
		f.noteConnection(v)
	}
	w.close = w.close || f.close
	if !f.close && !f.keepAlive {
		w.head = appendFields(w.head, "Connection", values)
	}
}

func (w *response) takeTrailer(values []string) {
	for _, line := range values {
		for name := range strings.SplitSeq(line, ",") {
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			if allowedTrailer(name) && name != "" {
				w.declared = append(w.declared, name)
			}
		}
	}
	w.head = appendFields(w.head, "Trailer", values)
}

// bodyAllowed: RFC 9110, section 6.4.1. A 204 or 304 has no Content-Length
// either.
func (w *response) bodyAllowed() bool {
	return w.status >= 200 && w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

func (w *response) isHead() bool { return w.t.request.Method == http.MethodHead }

// writeInterim sends a 1xx answer. HTTP/1.0 has none.
func (w *response) writeInterim(status int) {
	if w.t.head.minor == 0 {
		return
	}
	out := appendStatusLine(nil, status)
	for name, values := range w.header {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			out = appendFields(out, name, values)
		}
	}
	out = append(out, "\r\n"...)
	w.mu.Lock()
	defer w.mu.Unlock()
	if status == http.StatusContinue {
		w.noMore1x, w.told100 = true, true
	}
	w.send(out, nil, nil)
}

// writeContinue tells a client that waits to send its body. The body's reader
// calls it, beside the handler.
func (w *response) writeContinue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.noMore1x {
		w.noMore1x, w.told100 = true, true
		_, _ = w.t.conn.rwc.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
}

func (w *response) Write(p []byte) (int, error) {
	return w.write(len(p), p, "")
}

// WriteString is for io.WriteString.
func (w *response) WriteString(s string) (int, error) {
	return w.write(len(s), nil, s)
}

func (w *response) write(n int, p []byte, s string) (int, error) {
	switch {
	case w.hijacked:
		return 0, http.ErrHijacked
	case w.over:
		return 0, http.ErrHandlerTimeout
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case n == 0:
		return 0, w.err
	case !w.bodyAllowed():
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.written+int64(n) > w.length:
		return 0, http.ErrContentLength
	}
	w.written += int64(n)
	if len(w.body)+n <= bodyBuffer && w.err == nil {
		w.body = append(append(w.body, p...), s...)
		return n, nil
	}
	if s != "" {
		p = []byte(s)
	}
	if w.sendBody(p, false); w.err != nil {
		return 0, w.err
	}
	return n, nil
}

// Flush sends what is buffered.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *response) FlushError() error {
	switch {
	case w.hijacked:
		return http.ErrHijacked
	case w.over:
		return http.ErrHandlerTimeout
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.sendBody(nil, false)
	return w.err
}

// sendBody sends the head where that is still to be done, what is buffered of
// the body, and p. final: it is the answer's end.
func (w *response) sendBody(p []byte, final bool) {
	if w.sniff && (len(w.body) > 0 || len(p) > 0) && w.bodyAllowed() {
		w.guessType(p)
	}
	if !w.sent {
		w.appendFraming(final)
	} else {
		w.head = w.head[:0]
	}
	body, tail := w.body, []byte(nil)
	w.body = w.body[:0]
	switch {
	case w.isHead() || !w.bodyAllowed():
		body, p = nil, nil
	case w.chunked:
		if size := len(body) + len(p); size > 0 {
			w.head = appendChunkLine(w.head, size)
			tail = lineEnd
		}
	}
	w.head = append(w.head, body...)
	if final && w.chunked {
		w.head = append(append(w.head, p...), tail...)
		w.head = w.appendTrailer(w.head)
		p, tail = nil, nil
	}
	if len(w.head)+len(p)+len(tail) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent, w.noMore1x = true, true
	w.send(w.head, p, tail)
}

// guessType does what net/http does where a handler sets no Content-Type.
func (w *response) guessType(p []byte) {
	w.sniff = false
	if w.sent {
		return
	}
	first := w.body
	if len(first) == 0 {
		first = p
	}
	w.head = appendField(w.head, "Content-Type", http.DetectContentType(first))
}

// appendFraming ends the head with how long the body is and whether the
// connection lives on.
func (w *response) appendFraming(final bool) {
	old := w.t.head.minor == 0
	if final && w.length < 0 && len(w.declared) == 0 && (w.written > 0 || !w.isHead()) {
		w.length = w.written
	}
	known := !w.bodyAllowed() || w.isHead()
	if w.length >= 0 && w.bodyAllowed() {
		w.head = appendLength(w.head, w.length)
		known = true
	}
	if !known && !old {
		w.chunked = true
		w.head = append(w.head, "Transfer-Encoding: chunked\r\n"...)
	}
	w.close = w.close || !known && old || w.mustClose(final)
	switch {
	case w.status == http.StatusSwitchingProtocols:
	case w.close:
		w.head = append(w.head, "Connection: close\r\n"...)
	case old:
		w.head = append(w.head, "Connection: keep-alive\r\n"...)
	}
	w.head = append(w.head, "\r\n"...)
}

// mustClose reports whether no other request can follow on the connection.
func (w *response) mustClose(final bool) bool {
	t := w.t
	if t.framing.close || t.conn.server.noKeepAlive.Load() || w.status == http.StatusSwitchingProtocols {
		return true
	}
	if t.body == nil || t.body.done.Load() {
		return false
	}
	return w.neverTold100() || final && !t.body.fitsSkip()
}

// neverTold100: a client that waits for 100 and gets another answer may send
// the body or not.
func (w *response) neverTold100() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t.framing.continues && !w.told100
}

// send writes up to three pieces in one go.
func (w *response) send(head, p, tail []byte) {
	if w.err != nil {
		return
	}
	rwc := w.t.conn.rwc
	tcp, plain := w.t.conn.raw.Conn.(*net.TCPConn)
	switch {
	case len(p) == 0:
		_, w.err = rwc.Write(append(head, tail...))
	case plain && w.t.conn.tls == nil:
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

// finish sends what is left of the answer. last: no request may follow.
func (w *response) finish() (last bool, err error) {
	defer func() { w.over = true }()
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if b := w.t.body; b != nil && !w.sent && b.err == nil {
		b.skipBuffered()
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

// breakOff sends what is buffered and makes sure that it is not taken for a
// whole answer: where the end of the connection is the end of the body, the
// connection is reset.
func (w *response) breakOff() {
	w.over = true
	w.sendBody(nil, false)
	if tcp, ok := w.t.conn.raw.Conn.(*net.TCPConn); ok && !w.chunked && w.length < 0 && w.bodyAllowed() {
		_ = tcp.SetLinger(0)
	}
}

// trailers gives the fields behind the body: those that were declared, and
// those with http.TrailerPrefix.
func (w *response) appendTrailer(out []byte) []byte {
	out = append(out, "0\r\n"...)
	for _, name := range w.declared {
		if !strings.HasPrefix(name, http.TrailerPrefix) {
			out = appendFields(out, name, w.header[name])
		}
	}
	for name, values := range w.header {
		if bare, ok := strings.CutPrefix(name, http.TrailerPrefix); ok && allowedTrailer(bare) {
			out = appendFields(out, bare, values)
		}
	}
	return append(out, "\r\n"...)
}

// SetReadDeadline is for http.ResponseController.
func (w *response) SetReadDeadline(at time.Time) error {
	if w.over {
		return http.ErrHandlerTimeout
	}
	return w.t.conn.setReadDeadline(at)
}

// SetWriteDeadline is for http.ResponseController.
func (w *response) SetWriteDeadline(at time.Time) error {
	if w.over {
		return http.ErrHandlerTimeout
	}
	return w.t.conn.setWriteDeadline(at)
}

// EnableFullDuplex is for http.ResponseController: an answer may always begin
// before the request's body has been read.
func (w *response) EnableFullDuplex() error { return nil }

// Hijack gives the connection away, with what has been read of it.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked || w.over {
		return nil, nil, http.ErrHijacked
	}
	t, c := w.t, w.t.conn
	if t.body != nil {
		t.body.end()
	}
	c.endBackgroundRead()
	c.unwatch()
	w.hijacked = true
	if err := c.rwc.SetDeadline(time.Time{}); err != nil {
		c.rwc.Close()
		return nil, nil, err
	}
	early := slices.Clone(t.buffered())
	r := bufio.NewReaderSize(&replay{early, c.rwc}, max(len(early), hijackBuffer))
	if _, err := r.Peek(len(early)); err != nil {
		return nil, nil, err
	}
	return c.rwc, bufio.NewReadWriter(r, bufio.NewWriterSize(c.rwc, hijackBuffer)), nil
}

const hijackBuffer = 1 << 10

// replay reads what was read before, then on.
type replay struct {
	early []byte
	conn  net.Conn
}

func (r *replay) Read(p []byte) (int, error) {
	if len(r.early) == 0 {
		return r.conn.Read(p)
	}
	n := copy(p, r.early)
	r.early = r.early[n:]
	return n, nil
}
