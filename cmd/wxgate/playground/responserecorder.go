package playground

import (
	"bufio"
	"net"
	"net/http"
	"strings"
)

// responseRecorder records a response while it is written.
type responseRecorder struct {
	http.ResponseWriter
	onHead func() // called when the status is known, before it is sent; may be nil

	status int
	body   clip
}

func (w *responseRecorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.head(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseRecorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.head(http.StatusOK)
	}
	w.body.add(p)
	return w.ResponseWriter.Write(p)
}

// Hijack takes over the connection, for a WebSocket.
func (w *responseRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.head(http.StatusSwitchingProtocols)
	}
	return conn, rw, err
}

// Flush and Unwrap provide the other methods of a server's ResponseWriter.
func (w *responseRecorder) Flush()                      { _ = http.NewResponseController(w.ResponseWriter).Flush() }
func (w *responseRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *responseRecorder) head(status int) {
	w.status = status
	if w.onHead != nil {
		w.onHead()
	}
}

// isStream reports whether the response is a WebSocket or an event stream.
func (w *responseRecorder) isStream() bool {
	return w.status == http.StatusSwitchingProtocols || strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream")
}
