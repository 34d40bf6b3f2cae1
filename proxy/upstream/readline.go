package upstream

import (
	"bytes"
	"errors"
)

var (
	errBareLF  = errors.New("a line ends in LF without CR")
	errTooLong = errors.New("header, trailers or line too long")
)

// lineEnd returns the end of the line that starts at buffered()[start], without its
// CRLF. It reads from the network as needed; limit bounds the buffered bytes.
func (pc *persistConn) lineEnd(start, limit int) (int, error) {
	for searched := start; ; {
		b := pc.buffered()
		if i := bytes.IndexByte(b[searched:], '\n'); i >= 0 {
			end := searched + i - 1
			if end < start || b[end] != '\r' {
				return 0, errBareLF
			}
			return end, nil
		}
		searched = len(b)
		if searched >= limit {
			return 0, errTooLong
		}
		pc.ensureRoom()
		if err := pc.fill(); err != nil {
			return 0, err
		}
	}
}

// readLine reads a line. The result is valid until the next read.
func (pc *persistConn) readLine(limit int) ([]byte, error) {
	end, err := pc.lineEnd(0, limit)
	if err != nil {
		return nil, err
	}
	line := pc.buffered()[:end]
	pc.r += end + len("\r\n")
	return line, nil
}
