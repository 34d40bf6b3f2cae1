package http1

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"time"
)

// Hijack returns the connection, with what has been read of it and not used. The
// caller closes it.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked || w.handlerDone {
		return nil, nil, http.ErrHijacked
	}
	t, c := w.t, w.t.conn
	if t.body != nil {
		t.body.end()
	}
	c.endBackgroundRead()
	c.unregisterCloseNotify()
	w.hijacked = true
	if err := c.rwc.SetDeadline(time.Time{}); err != nil {
		c.rwc.Close()
		return nil, nil, err
	}
	early := slices.Clone(t.buffered())
	r := bufio.NewReaderSize(&prefixReader{early, c.rwc}, max(len(early), hijackBuffer))
	if _, err := r.Peek(len(early)); err != nil {
		return nil, nil, err
	}
	return c.rwc, bufio.NewReadWriter(r, bufio.NewWriterSize(c.rwc, hijackBuffer)), nil
}

const hijackBuffer = 1 << 10

// prefixReader reads early, then conn.
type prefixReader struct {
	early []byte
	conn  net.Conn
}

func (r *prefixReader) Read(p []byte) (int, error) {
	if len(r.early) == 0 {
		return r.conn.Read(p)
	}
	n := copy(p, r.early)
	r.early = r.early[n:]
	return n, nil
}
