package http1

import (
	"net/http"
)

// writeInterim sends a 1xx response. HTTP/1.0 has none.
func (w *responseWriter) writeInterim(status int) {
	if w.t.head.minor == 0 {
		return
	}
	out := appendStatusLine(nil, status)
	for name, values := range w.header {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			out = appendFields(out, name, values)
		}
	}
	out = append(out, "\r\n"...)
	w.mu.Lock()
	defer w.mu.Unlock()
	if status == http.StatusContinue {
		w.sentContinue = true
	}
	w.send(out, nil, nil)
}

// writeContinue sends 100 Continue, unless it was sent or the final response has begun.
// The goroutine that reads the body calls it, possibly concurrently with the handler.
func (w *responseWriter) writeContinue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.headerSent && !w.sentContinue {
		w.sentContinue = true
		_, _ = w.t.conn.rwc.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
}
