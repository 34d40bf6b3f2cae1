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

// continueWait is how long a request with Expect: 100-continue waits for a
// 100 Continue. Backends that don't know of it send nothing.
const continueWait = time.Second

// bodyWriter sends a request's head and body while its response is awaited, which
// may come before the whole body is sent.
type bodyWriter struct {
	x       *exchange
	chunked bool
	head    []byte        // not sent yet
	allowed chan struct{} // closed: the body may be sent
	once    sync.Once     // for closing it
	exited  chan struct{}

	mu              sync.Mutex
	sent            bool // all of it
	responseStarted bool // the response's headers have come
}

func startBodyWriter(x *exchange, head []byte) *bodyWriter {
	w := &bodyWriter{
		x: x, chunked: isChunked(x.req), head: append([]byte(nil), head...),
		allowed: make(chan struct{}), exited: make(chan struct{}),
	}
	if !strings.EqualFold(x.a.header.Get("Expect"), "100-continue") {
		w.allowBody()
	}
	go w.run()
	return w
}

func (w *bodyWriter) run() {
	defer close(w.exited)
	defer w.x.req.Body.Close()
	if !w.waitAllowed() {
		return
	}
	err := w.send()
	var source bodyReadError
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = err == nil
	switch {
	case w.responseStarted:
	case errors.As(err, &source), errors.Is(err, os.ErrDeadlineExceeded):
		w.x.pc.abort() // half a body must not pass for a whole one; nor does a target that takes no more answer
	default:
		// A target that has closed the connection may have sent a response before.
		w.x.pc.extendReadDeadline(time.Now())
	}
}

// waitAllowed waits for a 100 Continue where the request expects one. A final
// response in its place means that the body isn't wanted.
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
	return !w.responseStarted
}

// write sends bytes, for which the target has the time-out, until its response has
// come: then it may take as long as it likes.
func (w *bodyWriter) write(p []byte) error {
	w.mu.Lock()
	if !w.responseStarted {
		w.x.pc.setWriteDeadline(time.Now().Add(w.x.transport.timeout))
	}
	w.mu.Unlock()
	n, err := w.x.pc.Write(p)
	w.x.pc.written.Add(int64(n))
	return err
}

// bodyReadError is of reading the client's body, not of sending it.
type bodyReadError struct{ error }

const (
	copyBufferSize = 32 << 10

	// chunkLine has room for the size of a chunk in a copy buffer.
	chunkLine = len("8000\r\n")
)

var copyBuffers = sync.Pool{New: func() any { return new([copyBufferSize]byte) }}

// send writes head, body and trailers; what comes piece by piece goes on piece by
// piece, each in one write.
func (w *bodyWriter) send() error {
	buf := copyBuffers.Get().(*[copyBufferSize]byte)
	defer copyBuffers.Put(buf)
	req := w.x.req
	for left := req.ContentLength; ; {
		begin, err := w.beginPiece(buf)
		if err != nil {
			return err
		}
		n, err := req.Body.Read(buf[begin : copyBufferSize-len("\r\n")])
		if left -= int64(n); !w.chunked && (left < 0 || err == io.EOF && left > 0) {
			return bodyReadError{errLength}
		}
		if err != nil && err != io.EOF {
			return bodyReadError{err}
		}
		piece := buf[:begin+n]
		if w.chunked {
			piece = frameChunk(piece, begin, n)
		}
		if err == io.EOF {
			return w.writeLast(piece)
		}
		if err := w.write(piece); err != nil {
			return err
		}
	}
}

// beginPiece begins a piece with the head, unless it was sent, and leaves room for a
// chunk's size. It returns where the body goes. A head too long for that is sent.
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

// frameChunk makes a chunk of the n bytes of body at begin; nothing of none.
func frameChunk(piece []byte, begin, n int) []byte {
	head := begin - chunkLine
	if n == 0 {
		return piece[:head]
	}
	line := strconv.AppendInt(piece[:head:begin], int64(n), 16)
	line = append(line, "\r\n"...)
	// The line is shorter than its room where the chunk is short.
	copy(piece[len(line):], piece[begin:begin+n])
	return append(piece[:len(line)+n], "\r\n"...)
}

// finish sends the last piece, and ends a chunked body, with its trailers.
func (w *bodyWriter) writeLast(piece []byte) error {
	if w.chunked {
		var err error
		if piece, err = appendTrailers(append(piece, "0\r\n"...), w.x.req.Trailer); err != nil {
			return bodyReadError{err}
		}
	}
	if len(piece) == 0 {
		return nil
	}
	return w.write(piece)
}

// allowBody lets the body be sent.
func (w *bodyWriter) allowBody() {
	if w != nil {
		w.once.Do(func() { close(w.allowed) })
	}
}

// responseReceived is called when the response's headers have come: they are not
// waited for any more, and a body held back isn't wanted.
func (w *bodyWriter) responseReceived() {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.responseStarted = true
	w.x.pc.setWriteDeadline(time.Time{})
	w.mu.Unlock()
	w.allowBody()
}

// bodyWriterExitTimeout is how long a bodyWriter may take to notice that it is done.
const bodyWriterExitTimeout = 20 * time.Millisecond

// done reports whether all of the body was sent, so that the connection may be
// used again.
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
	return w.sent
}
