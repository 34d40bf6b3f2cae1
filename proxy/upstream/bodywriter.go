package upstream

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// continueWait is how long a request with Expect: 100-continue waits for a 100 response
// before it sends its body. Backends that don't support it send none.
const continueWait = time.Second

// bodyWriter sends a request's head and body in a goroutine of its own, since the
// response may be received before the whole body is sent.
type bodyWriter struct {
	exchange *exchange
	chunked  bool
	head     []byte        // not sent yet; nil: sent
	allowed  chan struct{} // closed when the body may be sent
	once     sync.Once     // closes allowed
	exited   chan struct{}

	mu              sync.Mutex
	complete        bool // the whole body was sent
	headersReceived bool // of the response
}

func startBodyWriter(e *exchange, head []byte) *bodyWriter {
	w := &bodyWriter{
		exchange: e, chunked: isChunked(e.req), head: append([]byte(nil), head...),
		allowed: make(chan struct{}), exited: make(chan struct{}),
	}
	if !strings.EqualFold(e.call.header.Get("Expect"), "100-continue") {
		w.allowBody()
	}
	go w.run()
	return w
}

func (w *bodyWriter) run() {
	defer close(w.exited)
	defer w.exchange.req.Body.Close()
	if !w.waitAllowed() {
		return
	}
	err := w.send()
	var readError bodyReadError
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complete = err == nil
	switch {
	case w.headersReceived:
	case errors.As(err, &readError), errors.Is(err, os.ErrDeadlineExceeded):
		w.exchange.pc.abort() // the body can't be completed, so no response to it is awaited
	default:
		// A target that closes the connection may have sent a response before.
		w.exchange.pc.extendReadDeadline(time.Now())
	}
}

// waitAllowed waits until the body may be sent, and reports whether to send it. A
// request with Expect: 100-continue sends its head first, and sends no body if the
// final response is received before.
func (w *bodyWriter) waitAllowed() bool {
	select {
	case <-w.allowed:
	default:
		if w.write(w.head) != nil {
			return false
		}
		w.head = nil
		timer := time.NewTimer(continueWait)
		defer timer.Stop()
		select {
		case <-w.allowed:
		case <-timer.C:
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.headersReceived
}

// write writes to the target, within the timeout until the response's headers are
// received, and without a limit after that.
func (w *bodyWriter) write(p []byte) error {
	w.mu.Lock()
	if !w.headersReceived {
		w.exchange.pc.setWriteDeadline(time.Now().Add(w.exchange.transport.timeout))
	}
	w.mu.Unlock()
	n, err := w.exchange.pc.Write(p)
	w.exchange.pc.written.Add(int64(n))
	return err
}

// bodyReadError is an error of reading the client's body, not of writing to the target.
type bodyReadError struct{ error }

const (
	copyBufferSize = 32 << 10

	// chunkLine is the length of the longest line with a chunk's size.
	chunkLine = len("8000\r\n")
)

var copyBuffers = sync.Pool{New: func() any { return new([copyBufferSize]byte) }}

// send writes head, body and trailers. Each Read of the body is written at once, in one
// write.
func (w *bodyWriter) send() error {
	buf := copyBuffers.Get().(*[copyBufferSize]byte)
	defer copyBuffers.Put(buf)
	req := w.exchange.req
	for remaining := req.ContentLength; ; {
		start, err := w.beginPiece(buf)
		if err != nil {
			return err
		}
		n, err := req.Body.Read(buf[start : copyBufferSize-len("\r\n")])
		if remaining -= int64(n); !w.chunked && (remaining < 0 || err == io.EOF && remaining > 0) {
			return bodyReadError{errLength}
		}
		if err != nil && err != io.EOF {
			return bodyReadError{err}
		}
		piece := buf[:start+n]
		if w.chunked {
			piece = frameChunk(piece, start, n)
		}
		if err == io.EOF {
			return w.writeLast(piece)
		}
		if err := w.write(piece); err != nil {
			return err
		}
	}
}

// beginPiece copies the head to the buffer, unless it was sent, leaves room for a
// chunk's size, and returns where the body's bytes go. A head too long for the buffer
// is sent.
func (w *bodyWriter) beginPiece(buf *[copyBufferSize]byte) (int, error) {
	if len(w.head) > copyBufferSize/2 {
		if err := w.write(w.head); err != nil {
			return 0, err
		}
		w.head = nil
	}
	n := copy(buf[:], w.head)
	w.head = nil
	if w.chunked {
		n += chunkLine
	}
	return n, nil
}

// frameChunk makes a chunk of the n bytes at start. For n = 0 it makes none: that would
// end the body.
func frameChunk(piece []byte, start, n int) []byte {
	lineStart := start - chunkLine
	if n == 0 {
		return piece[:lineStart]
	}
	line := strconv.AppendInt(piece[:lineStart:start], int64(n), 16)
	line = append(line, "\r\n"...)
	// For a short chunk the line is shorter than its room, so the data moves.
	copy(piece[len(line):], piece[start:start+n])
	return append(piece[:len(line)+n], "\r\n"...)
}

// writeLast writes the last piece and, of a chunked body, the last chunk and the
// trailers.
func (w *bodyWriter) writeLast(piece []byte) error {
	if w.chunked {
		var err error
		if piece, err = appendTrailers(append(piece, "0\r\n"...), w.exchange.req.Trailer); err != nil {
			return bodyReadError{err}
		}
	}
	if len(piece) == 0 {
		return nil
	}
	return w.write(piece)
}

// allowBody allows the body to be sent.
func (w *bodyWriter) allowBody() {
	if w != nil {
		w.once.Do(func() { close(w.allowed) })
	}
}

// responseReceived is called when the response's headers are received: writing has no
// timeout any more, and a body that was not allowed yet isn't sent.
func (w *bodyWriter) responseReceived() {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.headersReceived = true
	w.exchange.pc.setWriteDeadline(time.Time{})
	w.mu.Unlock()
	w.allowBody()
}

// bodyWriterExitTimeout is how long waitSent waits for the goroutine to end.
const bodyWriterExitTimeout = 20 * time.Millisecond

// waitSent waits for the goroutine to end and reports whether the whole body was sent,
// so that the connection can be used again.
func (w *bodyWriter) waitSent() bool {
	if w == nil {
		return true
	}
	select {
	case <-w.exited:
	case <-time.After(bodyWriterExitTimeout):
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.complete
}
