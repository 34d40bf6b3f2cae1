package playground

import (
	"bufio"
	"net"
	"net/http"
	"strings"
)

// answerWriter records an answer as it is written.
type answerWriter struct {
	http.ResponseWriter
	onHead func() // called once the status is known, before it is sent; may be nil

	status int
	body   clip
}

func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.head(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.head(http.StatusOK)
	}
	w.body.add(p)
	return w.ResponseWriter.Write(p)
}

// Hijack is how a socket begins.
func (w *answerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.head(http.StatusSwitchingProtocols)
	}
	return conn, rw, err
}

// Flush and Unwrap give the rest of a server's ResponseWriter.
func (w *answerWriter) Flush()                      { _ = http.NewResponseController(w.ResponseWriter).Flush() }
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *answerWriter) head(status int) {
	w.status = status
	if w.onHead != nil {
		w.onHead()
	}
}

// isStream reports whether the answer is a socket or an event stream.
func (w *answerWriter) isStream() bool {
	return w.status == http.StatusSwitchingProtocols || strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream")
}
