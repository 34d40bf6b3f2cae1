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
	maxChunkLine = 4 << 10  // the size of a chunk with its extensions
	maxTrailer   = 16 << 10 // all trailers
)

var (
	errChunk      = errors.New("a chunk is malformed")
	errBodyClosed = errors.New("the body was closed")
)

// bodyReader reads a response's body off its connection.
type bodyReader struct {
	pc         *persistConn
	framing    framing
	remaining  int64 // of a fixed length, or of the current chunk
	atChunkEnd bool  // a chunk's data was read, the CRLF behind it wasn't
	res        *Response
}

// read returns io.EOF with the last bytes or after them.
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

// readRemaining reads no more than is left.
func (b *bodyReader) readRemaining(p []byte) (int, error) {
	if int64(len(p)) > b.remaining {
		p = p[:b.remaining]
	}
	n, err := b.pc.Read(p)
	b.remaining -= int64(n)
	return n, unexpectedEOF(err)
}

// unexpectedEOF is for what must not end here.
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
	if string(b.pc.buffered()) == "\r\n0\r\n\r\n" { // the usual end, received already
		b.pc.r = b.pc.w
		return n, io.EOF
	}
	return n, nil // what is there now isn't kept back until more comes
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

// endChunk reads the CRLF behind a chunk's data.
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

// readTrailers reads what follows the last chunk.
func (b *bodyReader) readTrailers() error {
	begin, lines := 0, 0
	for {
		end, err := b.pc.lineEnd(begin, maxTrailer)
		if err != nil {
			return unexpectedEOF(err)
		}
		if end == begin {
			break
		}
		begin = end + len("\r\n")
		lines++
	}
	text := string(b.pc.buffered()[:begin])
	b.pc.r += begin + len("\r\n")
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
