package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of chunked bodies.
const (
	maxChunkDigits = 16      // hex digits of a chunk's size, leading zeros included
	maxChunkLine   = 512     // bytes of a chunk's line, extensions included
	maxExtensions  = 8 << 10 // bytes of extensions in a body, beyond one for each 16 of data
	maxTrailer     = 4 << 10 // bytes of the trailer section
	maxTrailers    = 64      // lines of it
)

// ErrBody is in the errors of reading a body that is not framed as RFC 9112,
// section 7.1 has it.
var ErrBody = errors.New("http1: malformed chunked body")

type bodyError string

func (e bodyError) Error() string { return ErrBody.Error() + ": " + string(e) }
func (bodyError) Unwrap() error   { return ErrBody }

// body is the body of a request. A transport may read it beside the handler,
// and may be reading when the handler returns: it is made anew for each
// request, and end waits for a Read under way.
//
// It can be read on after an error that passes: a deadline, or errWouldWait.
type body struct {
	mu sync.Mutex
	t  *transaction

	phase      phase
	left       int64 // bytes to come: of the body, or of the chunk
	data       int64 // bytes of all chunks
	extensions int64
	trailer    http.Header
	size       int // bytes of the trailer section
	lines      int // lines of it

	continues bool // 100 is to be sent before the first byte is waited for
	noWait    bool // errWouldWait instead of waiting
	closed    bool
	err       error       // what ended it, io.EOF included
	done      atomic.Bool // it was io.EOF
}

var lineEnd = []byte("\r\n")

// phase is what comes next of a body.
type phase int

const (
	inBody  phase = iota // of known length
	atSize               // a chunk's line
	inChunk              // a chunk's data
	atEnd                // the end of line behind a chunk's data
	inTrailer
)

var errWouldWait = errors.New("http1: the body has not come yet")

func newBody(t *transaction, length int64, continues bool) *body {
	b := &body{t: t, left: length, continues: continues}
	if length < 0 {
		b.phase, b.left = atSize, 0
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
			n, err := b.readData(p[:min(int64(len(p)), b.left)])
			return n, b.fail(err)
		default:
			if err := b.fail(b.nextLine()); err != nil {
				return 0, err
			}
		}
	}
	return 0, b.err
}

// fail keeps what ends the body for good.
func (b *body) fail(err error) error {
	if err == nil || err == errWouldWait || err != io.EOF && isTimeout(err) {
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
		b.done.Store(true)
		b.t.conn.bodyRead()
	}
	return err
}

// readData reads from the buffer, or where it is empty past it.
func (b *body) readData(p []byte) (n int, err error) {
	t := b.t
	switch {
	case t.r < t.w:
		n = copy(p, t.buf[t.r:t.w])
		t.r += n
	case len(p) >= len(t.buf)/2 && !b.noWait:
		b.sendContinue()
		n, err = t.conn.read(p)
	default:
		if err = b.fill(); err == nil {
			n = copy(p, t.buf[t.r:t.w])
			t.r += n
		}
	}
	b.left -= int64(n)
	if err != nil || b.left > 0 {
		return n, err
	}
	if b.phase == inBody {
		return n, io.EOF
	}
	b.phase = atEnd
	return n, nil
}

func (b *body) fill() error {
	if b.noWait {
		return errWouldWait
	}
	b.sendContinue()
	return b.t.fill()
}

func (b *body) sendContinue() {
	if b.continues {
		b.continues = false
		b.t.response.writeContinue()
	}
}

// nextLine reads a line that is not data.
func (b *body) nextLine() error {
	line, err := b.line()
	if err != nil {
		return err
	}
	switch b.phase {
	case atEnd:
		if len(line) != 0 {
			return bodyError("a chunk is longer than its size")
		}
		b.phase = atSize
		return nil
	case atSize:
		b.left, err = b.chunkSize(line)
		if b.phase = inChunk; b.left == 0 {
			b.phase = inTrailer
		}
		return err
	}
	if len(line) == 0 {
		b.keepTrailer()
		return io.EOF
	}
	return b.trailerLine(line)
}

// chunkSize reads a chunk's line. The blank that RFC 9112 allows before an
// extension is refused, recipients don't agree on it.
func (b *body) chunkSize(line []byte) (size int64, err error) {
	digits := 0
	for ; digits < len(line) && unhex(line[digits]) >= 0; digits++ {
		if size > 1<<55 {
			return 0, bodyError("the chunk's size is too large")
		}
		size = size<<4 | int64(unhex(line[digits]))
	}
	extension := line[digits:]
	switch {
	case digits == 0 || digits > maxChunkDigits:
		return 0, bodyError("the chunk's size is not a hexadecimal number")
	case len(extension) > 0 && !validExtension(extension):
		return 0, bodyError("the chunk's extension is malformed")
	}
	b.extensions += int64(len(extension))
	if b.extensions > maxExtensions+b.data/16 {
		return 0, bodyError("there are too many chunk extensions")
	}
	return size, nil
}

// validExtension takes any number of ";name", ";name=token" and
// `;name="quoted"` (RFC 9112, section 7.1.1).
func validExtension(extension []byte) bool {
	for len(extension) > 0 {
		if extension[0] != ';' {
			return false
		}
		name, rest := cutToken(extension[1:])
		if !name {
			return false
		}
		if extension = rest; len(extension) > 0 && extension[0] == '=' {
			var value bool
			if value, extension = cutValue(extension[1:]); !value {
				return false
			}
		}
	}
	return true
}

// cutToken takes a token off the front.
func cutToken(b []byte) (found bool, rest []byte) {
	n := 0
	for n < len(b) && isToken(b[n]) {
		n++
	}
	return n > 0, b[n:]
}

// cutValue takes a token or a quoted string off the front.
func cutValue(b []byte) (found bool, rest []byte) {
	if len(b) == 0 || b[0] != '"' {
		return cutToken(b)
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case !isFieldByte(c):
			return false, nil
		case c == '\\' && i+1 < len(b) && isFieldByte(b[i+1]):
			i++
		case c == '"':
			return true, b[i+1:]
		}
	}
	return false, nil
}

// line reads a line out of the buffer, which is filled as needed. It gives it
// without its end.
func (b *body) line() ([]byte, error) {
	t, most := b.t, b.maxLine()
	for from := 0; ; {
		if i := bytes.IndexByte(t.buf[t.r+from:t.w], '\n'); i >= 0 {
			line := t.buf[t.r : t.r+from+i+1]
			if len(line) < 2 || line[len(line)-2] != '\r' {
				return nil, bodyError("a line must end with CR and LF")
			}
			if line = line[:len(line)-2]; len(line) > most {
				return nil, bodyError("a line is too long")
			}
			t.r += len(line) + 2
			return line, nil
		}
		if from = t.w - t.r; from > most+1 {
			return nil, bodyError("a line is too long")
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
}

func (b *body) maxLine() int {
	switch b.phase {
	case atEnd:
		return 0
	case atSize:
		return maxChunkLine
	}
	return maxTrailer
}

func (b *body) trailerLine(line []byte) error {
	b.lines++
	if b.size += len(line) + 2; b.size > maxTrailer || b.lines > maxTrailers {
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

// keepTrailer gives the trailers to the request. After the handler nobody asks.
func (b *body) keepTrailer() {
	r := b.t.request
	if r.Trailer == nil {
		r.Trailer = b.trailer
		return
	}
	for name, values := range b.trailer {
		r.Trailer[name] = values
	}
}

// Close ends reading. What is left of the body is the server's to skip.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// end takes the body back from whoever reads it. A Read that waits is ended by
// a deadline that has passed.
func (b *body) end() {
	if !b.mu.TryLock() {
		_ = b.t.conn.setReadDeadline(past)
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	b.closed = true
}

// past is a deadline that ends what waits.
var past = time.Unix(1, 0)

// skipBuffered skips what has come already, and reports whether that was all.
func (b *body) skipBuffered() bool {
	b.noWait = true
	defer func() { b.noWait = false }()
	return b.skip(int64(len(b.t.buf))) == io.EOF
}

// skip reads on, and gives what it reads away.
func (b *body) skip(most int64) error {
	buf := scratch.Get().(*[scratchSize]byte)
	defer scratch.Put(buf)
	for {
		n, err := b.read(buf[:])
		if most -= int64(n); err != nil {
			return err
		}
		if most < 0 {
			return errTooMuch
		}
	}
}

var errTooMuch = errors.New("http1: too much of the body is left")

// scratch holds buffers for what is read to be given away.
var scratch = sync.Pool{New: func() any { return new([scratchSize]byte) }}

const scratchSize = 16 << 10

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// fitsSkip reports whether what is left is little enough to be skipped for the
// sake of the next request. Of a chunked body nobody knows.
func (b *body) fitsSkip() bool {
	return b.err == io.EOF || b.err == nil && b.phase == inBody && b.left <= maxSkipped
}
