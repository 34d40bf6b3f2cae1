package upstream

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"wxgate/internal/fieldlist"
)

const (
	maxChunkLine = 4 << 10  // bytes of a chunk's size and extensions
	maxTrailer   = 16 << 10 // bytes of all trailers
)

var (
	errChunk      = errors.New("a chunk is malformed")
	errBodyClosed = errors.New("the body was closed")
)

// bodyReader reads a response's body from its connection.
type bodyReader struct {
	pc         *persistConn
	framing    framing
	remaining  int64 // bytes of the body with fixedLength, or of the current chunk
	atChunkEnd bool  // the CRLF after a chunk's data was not read yet
	res        *Response
}

// read is io.Reader's Read. It returns io.EOF with the last bytes or after them.
func (b *bodyReader) read(p []byte) (int, error) {
	switch b.framing {
	case fixedLength:
		return b.readFixed(p)
	case chunked:
		return b.readChunked(p)
	case untilClose:
		return b.pc.Read(p)
	}
	return 0, io.EOF
}

func (b *bodyReader) readFixed(p []byte) (int, error) {
	n, err := b.readRemaining(p)
	if b.remaining == 0 {
		return n, io.EOF
	}
	return n, err
}

// readRemaining reads at most b.remaining bytes.
func (b *bodyReader) readRemaining(p []byte) (int, error) {
	if int64(len(p)) > b.remaining {
		p = p[:b.remaining]
	}
	n, err := b.pc.Read(p)
	b.remaining -= int64(n)
	return n, unexpectedEOF(err)
}

// unexpectedEOF changes io.EOF to io.ErrUnexpectedEOF: the body is cut short.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (b *bodyReader) readChunked(p []byte) (int, error) {
	if b.atChunkEnd {
		if err := b.endChunk(); err != nil {
			return 0, err
		}
	}
	if b.remaining == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	n, err := b.readRemaining(p)
	if err != nil || b.remaining > 0 {
		return n, err
	}
	b.atChunkEnd = true
	if string(b.pc.buffered()) == "\r\n0\r\n\r\n" { // the usual end was received with it
		b.pc.r = b.pc.w
		return n, io.EOF
	}
	return n, nil // these bytes are returned before more are awaited
}

// nextChunk reads a chunk's size. After the last chunk it reads the trailers and
// returns io.EOF.
func (b *bodyReader) nextChunk() error {
	line, err := b.pc.readLine(maxChunkLine)
	if err != nil {
		return unexpectedEOF(err)
	}
	size, extension, _ := strings.Cut(strings.TrimRight(string(line), " \t"), ";")
	n, err := strconv.ParseUint(size, 16, 63)
	if err != nil || len(size) > 16 || !validFieldValue(extension) {
		return errChunk
	}
	if b.remaining = int64(n); n > 0 {
		return nil
	}
	return b.readTrailers()
}

// endChunk reads the CRLF after a chunk's data.
func (b *bodyReader) endChunk() error {
	b.atChunkEnd = false
	line, err := b.pc.readLine(len("\r\n"))
	if err != nil {
		return unexpectedEOF(err)
	}
	if len(line) > 0 {
		return errChunk
	}
	return nil
}

// readTrailers reads the trailers and the empty line after the last chunk.
func (b *bodyReader) readTrailers() error {
	start, lines := 0, 0
	for {
		end, err := b.pc.lineEnd(start, maxTrailer)
		if err != nil {
			return unexpectedEOF(err)
		}
		if end == start {
			break
		}
		start = end + len("\r\n")
		lines++
	}
	text := string(b.pc.buffered()[:start])
	b.pc.r += start + len("\r\n")
	if lines == 0 {
		return io.EOF
	}
	trailer, err := parseFields(make(fieldlist.List, 0, lines), text)
	if err != nil {
		return err
	}
	if b.res.trailer == nil {
		b.res.trailer = make(http.Header, lines)
	}
	trailer.AppendTo(b.res.trailer)
	return io.EOF
}
