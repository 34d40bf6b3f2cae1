package http1

import (
	"io"
	"time"
)

// readHead reads a request up to its body and builds the http.Request. If it returns a
// Refusal, that is the response. An error means that the connection has ended. With
// neither, t.request is complete, or t.head.http2 is set.
func (c *conn) readHead() (*Refusal, error) {
	t, s := c.t, c.server
	c.requests++
	deadlineSet := false
	for {
		complete, r := t.head.parse(t.buffered(), s.maxFields())
		switch {
		case r != nil:
			return r, nil
		case t.head.lineStart > s.maxHeaderBytes() || !complete && t.w-t.r > s.maxHeaderBytes():
			return &Refusal{Reason: HeaderTooLarge}, nil
		case complete && t.head.http2:
			return nil, nil
		case complete:
			head := string(t.buf[t.r : t.r+t.head.lineStart])
			t.r += t.head.lineStart
			return t.build(head), nil
		}
		if !deadlineSet {
			deadlineSet = true
			_ = c.setReadDeadline(c.headDeadline())
		}
		if err := c.readMoreOfHead(); err != nil {
			if isTimeout(err) {
				return &Refusal{Reason: HeaderTimeout}, nil
			}
			return nil, err
		}
	}
}

func (c *conn) headDeadline() time.Time {
	if c.requests == 1 {
		return c.acceptedAt.Add(c.server.readHeaderTimeout())
	}
	return time.Now().Add(c.server.readHeaderTimeout())
}

func (c *conn) readMoreOfHead() error {
	t := c.t
	if t.w == len(t.buf) {
		t.makeRoom(min(2*(t.w-t.r), c.server.maxHeaderBytes()+readBuffer))
	}
	return t.fill()
}

// read reads from the client. The error is errConnEnded at the end.
func (c *conn) read(p []byte) (int, error) {
	n, err := c.rwc.Read(p)
	if n > 0 {
		return n, nil // the next read returns the error
	}
	if err == io.EOF || err == nil {
		err = errConnEnded
	}
	return 0, err
}
