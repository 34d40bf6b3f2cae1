package http1

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// responseWriter is the http.ResponseWriter. It buffers the head and the beginning of
// the body until the buffer is full, the handler flushes or returns: a short response
// is sent in one write.
type responseWriter struct {
	t      *transaction
	header http.Header

	headBuf []byte // the status line and fields, without those of framing
	bodyBuf []byte // buffered part of the body

	status       int      // 0: WriteHeader has not been called
	length       int64    // the handler's Content-Length; -1: unknown
	written      int64    // bytes of the body that the handler has written
	trailerNames []string // from Trailer, or with http.TrailerPrefix
	sniff        bool     // guess the Content-Type from the body
	close        bool     // the connection is closed after this response
	chunked      bool
	headerSent   bool // set with mu held, before the header is written
	hijacked     bool
	handlerDone  bool // the handler has returned
	err          error

	mu           sync.Mutex // held while writing: 100 Continue must not follow the final response
	sentContinue bool

	// Memory for the arguments of writev.
	vector net.Buffers
	pieces [3][]byte
}

// bodyBuffer is how many bytes of a body are buffered.
const bodyBuffer = 4 << 10

func (w *responseWriter) init(t *transaction) {
	w.t, w.header = t, http.Header{}
	w.headBuf, w.bodyBuf = make([]byte, 0, 1<<10), make([]byte, 0, bodyBuffer)
}

// startResponse prepares for another request.
func (w *responseWriter) startResponse() {
	w.dropBuffered()
	clear(w.header)
	w.close, w.headerSent, w.hijacked, w.handlerDone, w.sentContinue, w.err = false, false, false, false, false, nil
}

// dropBuffered empties the buffers.
func (w *responseWriter) dropBuffered() {
	w.headBuf, w.bodyBuf = w.headBuf[:0], w.bodyBuf[:0]
	w.status, w.length, w.written, w.trailerNames = 0, -1, 0, nil
	w.sniff, w.chunked = false, false
}

// prepareForPool drops references to what belonged to the last request.
func (w *responseWriter) prepareForPool() {
	w.startResponse()
	w.handlerDone = true
	if cap(w.headBuf) > maxKeptBuffer {
		w.headBuf = make([]byte, 0, 1<<10)
	}
}

// Header returns the response's header. Changes after WriteHeader affect trailers only.
func (w *responseWriter) Header() http.Header { return w.header }

// Unsent reports whether nothing of the final response has been sent.
func (w *responseWriter) Unsent() bool { return !w.headerSent && !w.hijacked && w.err == nil }

// Reset discards the response, so that another can be written. It reports false if a part
// of the response has been sent already.
func (w *responseWriter) Reset() bool {
	if !w.Unsent() || w.handlerDone {
		return false
	}
	w.dropBuffered()
	clear(w.header)
	w.close = false
	return true
}

// WriteHeader encodes the header as it is now. A 1xx status other than 101 is sent at
// once, as an interim response (RFC 9110, section 15.2). It panics on a status that is
// not of three digits.
func (w *responseWriter) WriteHeader(status int) {
	switch {
	case w.hijacked || w.handlerDone || w.status != 0:
		return
	case status < 100 || status > 999:
		panic("http1: invalid status code")
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.writeInterim(status)
		return
	}
	w.status = status
	w.encodeHeader()
}

func (w *responseWriter) Write(p []byte) (int, error) {
	return w.write(len(p), p, "")
}

// WriteString is for io.WriteString.
func (w *responseWriter) WriteString(s string) (int, error) {
	return w.write(len(s), nil, s)
}

func (w *responseWriter) write(n int, p []byte, s string) (int, error) {
	switch {
	case w.hijacked:
		return 0, http.ErrHijacked
	case w.handlerDone:
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
	if len(w.bodyBuf)+n <= bodyBuffer && w.err == nil {
		w.bodyBuf = append(append(w.bodyBuf, p...), s...)
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
func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *responseWriter) FlushError() error {
	switch {
	case w.hijacked:
		return http.ErrHijacked
	case w.handlerDone:
		return http.ErrHandlerTimeout
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.sendBody(nil, false)
	return w.err
}

// SetReadDeadline is for http.ResponseController.
func (w *responseWriter) SetReadDeadline(at time.Time) error {
	if w.handlerDone {
		return http.ErrHandlerTimeout
	}
	return w.t.conn.setReadDeadline(at)
}

// SetWriteDeadline is for http.ResponseController.
func (w *responseWriter) SetWriteDeadline(at time.Time) error {
	if w.handlerDone {
		return http.ErrHandlerTimeout
	}
	return w.t.conn.setWriteDeadline(at)
}

// EnableFullDuplex is for http.ResponseController. Full duplex is always on: a response
// may begin before the request's body has been read.
func (w *responseWriter) EnableFullDuplex() error { return nil }
