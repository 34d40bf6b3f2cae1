package http1

import (
	"bufio"
	"bytes"
	"io"
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
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(prefix), c.rwc), max(len(prefix), hijackBuffer))
	if _, err := r.Peek(len(prefix)); err != nil {
		return nil, nil, err
	}
	return c.rwc, bufio.NewReadWriter(r, bufio.NewWriterSize(c.rwc, hijackBuffer)), nil
}

const hijackBuffer = 1 << 10
