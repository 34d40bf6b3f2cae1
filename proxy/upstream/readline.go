package upstream

import (
	"bytes"
	"errors"
)

var (
	errBareLF      = errors.New("a line ends in LF without CR")
	errLineTooLong = errors.New("a line is too long")
)

// lineEnd finds the end of the line that begins so many bytes into what is
// buffered, and reads as much as that takes, up to limit bytes in all. Lines end in
// CRLF.
func (pc *persistConn) lineEnd(begin, limit int) (int, error) {
	for searched := begin; ; {
		b := pc.buffered()
		if i := bytes.IndexByte(b[searched:], '\n'); i >= 0 {
			end := searched + i - 1
			if end < begin || b[end] != '\r' {
				return 0, errBareLF
			}
			return end, nil
		}
		searched = len(b)
		if searched >= limit {
			return 0, errLineTooLong
		}
		pc.ensureRoom()
		if err := pc.fill(); err != nil {
			return 0, err
		}
	}
}

// readLine reads a line. It is valid until the next read.
func (pc *persistConn) readLine(limit int) ([]byte, error) {
	end, err := pc.lineEnd(0, limit)
	if err != nil {
		return nil, err
	}
	line := pc.buffered()[:end]
	pc.r += end + len("\r\n")
	return line, nil
}
