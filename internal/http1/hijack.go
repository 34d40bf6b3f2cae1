package http1

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"time"
)

// Hijack returns the connection, which the caller must close. Bytes that were received
// and are not part of the request are buffered in the reader.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked || w.handlerDone {
		return nil, nil, http.ErrHijacked
	}
	t, c := w.t, w.t.conn
	if t.body != nil {
		t.body.endReads()
	}
	c.endBackgroundRead()
	c.unregisterCloseNotify()
	w.hijacked = true
	if err := c.rwc.SetDeadline(time.Time{}); err != nil {
		c.rwc.Close()
		return nil, nil, err
	}
	prefix := slices.Clone(t.buffered())
	r := bufio.NewReaderSize(&prefixReader{prefix, c.rwc}, max(len(prefix), hijackBuffer))
	if _, err := r.Peek(len(prefix)); err != nil {
		return nil, nil, err
	}
	return c.rwc, bufio.NewReadWriter(r, bufio.NewWriterSize(c.rwc, hijackBuffer)), nil
}

const hijackBuffer = 1 << 10

// prefixReader reads prefix, then conn.
type prefixReader struct {
	prefix []byte
	conn   net.Conn
}

func (r *prefixReader) Read(p []byte) (int, error) {
	if len(r.prefix) == 0 {
		return r.conn.Read(p)
	}
	n := copy(p, r.prefix)
	r.prefix = r.prefix[n:]
	return n, nil
}
