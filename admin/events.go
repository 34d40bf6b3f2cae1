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
	maxEventStreams   = 16 // at the same time, of all callers
	eventWriteTimeout = 10 * time.Second
)

// liveEvent is what GET /api/events sends each time that figures are taken.
type liveEvent struct {
	Status statusAnswer `json:"status"`
	Point  *point       `json:"point,omitempty"` // what it adds to the history
}

// streamEvents answers GET /api/events with the overview as server-sent events of the
// kind status, one every two seconds, until the client disconnects, its token is
// removed, or the gateway stops.
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
	defer func() { _ = stream.SetWriteDeadline(time.Time{}) }() // another request may come on the connection
	for s.sendEvent(r.Context(), w, stream) == nil && s.figures.wait(r.Context()) && s.stillAuthorized(tokenOf(r)) {
	}
	return nil
}

func setEventHeader(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx in front would hold events back
}

func (s *Server) sendEvent(ctx context.Context, w http.ResponseWriter, stream *http.ResponseController) error {
	event := liveEvent{Status: s.status(ctx)}
	if p, ok := s.figures.lastPoint(); ok {
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
	_ = stream.SetWriteDeadline(time.Now().Add(eventWriteTimeout)) // a reader that stalls holds a stream
	if _, err := w.Write(text.Bytes()); err != nil {
		return err
	}
	return stream.Flush()
}

// stillAuthorized reports whether a reload has left the token what it needs here.
func (s *Server) stillAuthorized(t Token) bool {
	for _, now := range s.config().Tokens {
		if now.Token.Equal(t.Token.Reveal()) {
			return now.has(ScopeAdmin) && now.Apps == nil
		}
	}
	return false
}
