package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
)

// ErrBody is wrapped by the errors of reading a chunked body that is malformed by RFC
// 9112, section 7.1.
var ErrBody = errors.New("http1: malformed chunked body")

type bodyError string

func (e bodyError) Error() string { return ErrBody.Error() + ": " + string(e) }
func (bodyError) Unwrap() error   { return ErrBody }

// body is a request's body. A transport may read it concurrently with the handler, and
// may still be reading when the handler returns: each request has a new one, and endReads
// waits for a Read in progress.
//
// After a timeout or errWouldBlock it can be read again.
type body struct {
	mu sync.Mutex
	t  *transaction

	phase          phase
	remaining      int64 // unread bytes of the body, or of the chunk
	chunkData      int64 // bytes of all chunks whose size was read
	extensionBytes int64 // of all chunks
	trailer        http.Header
	trailerBytes   int
	trailerLines   int

	sendContinue bool // 100 Continue must be sent before waiting for the first byte
	nonBlocking  bool // return errWouldBlock instead of waiting
	closed       bool
	err          error       // the error that all further reads return, io.EOF included
	sawEOF       atomic.Bool // err is io.EOF; can be read without mu
}

var lineEnd = []byte("\r\n")

// phase is the part of a body that is read next.
type phase int

const (
	inBody      phase = iota // of known length
	atChunkSize              // a chunk's line
	inChunk                  // a chunk's data
	atChunkEnd               // the CRLF after a chunk's data
	inTrailer
)

var errWouldBlock = errors.New("http1: the body has not arrived yet")

func newBody(t *transaction, length int64, sendContinue bool) *body {
	b := &body{t: t, remaining: length, sendContinue: sendContinue}
	if length < 0 {
		b.phase, b.remaining = atChunkSize, 0
	}
	return b
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

func (b *body) read(p []byte) (int, error) {
	for b.err == nil {
		switch b.phase {
		case inBody, inChunk:
			if len(p) == 0 {
				return 0, nil
			}
			n, err := b.readData(p[:min(int64(len(p)), b.remaining)])
			return n, b.recordError(err)
		default:
			if err := b.recordError(b.nextLine()); err != nil {
				return 0, err
			}
		}
	}
	return 0, b.err
}

// recordError records an error after which the body can't be read any further, and returns the
// error for the reader.
func (b *body) recordError(err error) error {
	if err == nil || err == errWouldBlock || err != io.EOF && isTimeout(err) {
		return err
	}
	switch err {
	case errConnEnded:
		err = io.ErrUnexpectedEOF
	case io.ErrShortBuffer:
		err = bodyError("a line is too long")
	}
	b.err = err
	if err == io.EOF {
		b.sawEOF.Store(true)
		b.t.conn.bodyRead()
	}
	return err
}

// readData reads from the buffer; if that is empty, directly into a large p.
func (b *body) readData(p []byte) (n int, err error) {
	t := b.t
	switch {
	case t.r < t.w:
		n = copy(p, t.buf[t.r:t.w])
		t.r += n
	case len(p) >= len(t.buf)/2 && !b.nonBlocking:
		b.writeContinue()
		n, err = t.conn.read(p)
	default:
		if err = b.fill(); err == nil {
			n = copy(p, t.buf[t.r:t.w])
			t.r += n
		}
	}
	b.remaining -= int64(n)
	if err != nil || b.remaining > 0 {
		return n, err
	}
	if b.phase == inBody {
		return n, io.EOF
	}
	b.phase = atChunkEnd
	return n, nil
}

func (b *body) fill() error {
	if b.nonBlocking {
		return errWouldBlock
	}
	b.writeContinue()
	return b.t.fill()
}

// writeContinue sends 100 Continue if the client waits for it.
func (b *body) writeContinue() {
	if b.sendContinue {
		b.sendContinue = false
		b.t.response.writeContinue()
	}
}

// nextLine reads a chunk's line, the end of a chunk, or a trailer line.
func (b *body) nextLine() error {
	line, err := b.line()
	if err != nil {
		return err
	}
	switch b.phase {
	case atChunkEnd:
		if len(line) != 0 {
			return bodyError("a chunk is longer than its size")
		}
		b.phase = atChunkSize
		return nil
	case atChunkSize:
		b.remaining, err = b.chunkSize(line)
		b.chunkData += b.remaining
		if b.phase = inChunk; b.remaining == 0 {
			b.phase = inTrailer
		}
		return err
	}
	if len(line) == 0 {
		b.setTrailer()
		return io.EOF
	}
	return b.trailerLine(line)
}

// line returns the next line without its CRLF. It is valid until the next read.
func (b *body) line() ([]byte, error) {
	t, limit := b.t, b.maxLine()
	for from := 0; ; {
		if i := bytes.IndexByte(t.buf[t.r+from:t.w], '\n'); i >= 0 {
			line := t.buf[t.r : t.r+from+i+1]
			if len(line) < 2 || line[len(line)-2] != '\r' {
				return nil, bodyError("a line must end with CR and LF")
			}
			if line = line[:len(line)-2]; len(line) > limit {
				return nil, bodyError("a line is too long")
			}
			t.r += len(line) + 2
			return line, nil
		}
		if from = t.w - t.r; from > limit+1 {
			return nil, bodyError("a line is too long")
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
}

func (b *body) maxLine() int {
	switch b.phase {
	case atChunkEnd:
		return 0
	case atChunkSize:
		return maxChunkLine
	}
	return maxTrailerBytes
}

func (b *body) trailerLine(line []byte) error {
	b.trailerLines++
	if b.trailerBytes += len(line) + 2; b.trailerBytes > maxTrailerBytes || b.trailerLines > maxTrailerLines {
		return bodyError("the trailer section is too large")
	}
	name, value, r := splitField(line)
	if r != nil {
		return bodyError(r.Detail)
	}
	key := textproto.CanonicalMIMEHeaderKey(string(line[name.from:name.to]))
	if !allowedTrailer(key) {
		return bodyError("the trailer section holds a field that can't be one")
	}
	if b.trailer == nil {
		b.trailer = http.Header{}
	}
	b.trailer[key] = append(b.trailer[key], string(line[value.from:value.to]))
	return nil
}

// setTrailer sets the request's Trailer.
func (b *body) setTrailer() {
	r := b.t.request
	if r.Trailer == nil {
		r.Trailer = b.trailer
		return
	}
	for name, values := range b.trailer {
		r.Trailer[name] = values
	}
}

// Close makes later Reads fail. The server discards the unread rest.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// endReads closes the body. It sets a read deadline in the past to end a Read that waits
// in another goroutine.
func (b *body) endReads() {
	if !b.mu.TryLock() {
		_ = b.t.conn.setReadDeadline(past)
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	b.closed = true
}

// discardBuffered discards what has arrived.
func (b *body) discardBuffered() {
	b.nonBlocking = true
	defer func() { b.nonBlocking = false }()
	_ = b.discard(int64(len(b.t.buf)))
}

// discard reads and discards up to limit bytes of the body. The error is io.EOF at the
// end of the body, errTooMuch if more than limit bytes were left.
func (b *body) discard(limit int64) error {
	buf := discardBuffers.Get().(*[discardBufferSize]byte)
	defer discardBuffers.Put(buf)
	for {
		n, err := b.read(buf[:])
		if limit -= int64(n); err != nil {
			return err
		}
		if limit < 0 {
			return errTooMuch
		}
	}
}

var errTooMuch = errors.New("http1: too many bytes of the body are left")

// discardBuffers are buffers for reads whose bytes are discarded.
var discardBuffers = sync.Pool{New: func() any { return new([discardBufferSize]byte) }}

const discardBufferSize = 16 << 10

// discardable reports whether the unread rest is known to be at most maxDiscarded bytes.
// That of a chunked body is not known.
func (b *body) discardable() bool {
	return b.err == io.EOF || b.err == nil && b.phase == inBody && b.remaining <= maxDiscarded
}
