package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"wxgate/apierror"
)

const (
	maxEventStreams   = 16 // concurrent, of all callers
	eventWriteTimeout = 10 * time.Second
)

// statusEvent is the data of the events of GET /api/events.
type statusEvent struct {
	Status statusResponse `json:"status"`
	Point  *point         `json:"point,omitempty"` // the newest point of the history
}

// streamEvents handles GET /api/events: it sends the status as server-sent events of
// type status, one for each sample of the metrics, until the client disconnects, its
// token is removed, or the gateway stops.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead {
		setEventHeader(w.Header())
		return nil
	}
	select {
	case s.streams <- struct{}{}:
	default:
		e := apierror.New(apierror.Overloaded, "too many event streams are open")
		e.RetryAfter = 10 * time.Second
		return e
	}
	defer func() { <-s.streams }()
	setEventHeader(w.Header())
	stream := http.NewResponseController(w)
	defer func() { _ = stream.SetWriteDeadline(time.Time{}) }() // for the next request of the connection
	for s.sendEvent(r.Context(), w, stream) == nil && s.history.waitForSample(r.Context()) && s.stillAuthorized(tokenFrom(r)) {
	}
	return nil
}

func setEventHeader(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would buffer the events
}

func (s *Server) sendEvent(ctx context.Context, w http.ResponseWriter, stream *http.ResponseController) error {
	event := statusEvent{Status: s.status(ctx)}
	if p, ok := s.history.lastPoint(); ok {
		event.Point = &p
	}
	data, err := json.Marshal(event)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	text.WriteString("event: status\ndata: ")
	text.Write(data)
	text.WriteString("\n\n")
	_ = stream.SetWriteDeadline(time.Now().Add(eventWriteTimeout)) // a client that stops reading must not occupy a stream
	if _, err := w.Write(text.Bytes()); err != nil {
		return err
	}
	return stream.Flush()
}

// stillAuthorized reports whether the token, after a reload, still permits the stream.
func (s *Server) stillAuthorized(t Token) bool {
	for _, current := range s.config().Tokens {
		if current.Token.Equal(t.Token.Reveal()) {
			return current.hasScope(ScopeAdmin) && current.Apps == nil
		}
	}
	return false
}
