package playground

import (
	"fmt"
	"net/http"
	"time"
)

// streamPulse keeps what lies between from taking a quiet stream for a dead one.
const streamPulse = 20 * time.Second

// streamStall is how long a page may leave a write unread.
const streamStall = 30 * time.Second

// serveEvents is the stream of server-sent events: first what a page has
// missed, then each event as it happens.
func (r *Recorder) serveEvents(w http.ResponseWriter, req *http.Request) {
	past, next := r.listen(req.Header.Get("Last-Event-ID"))
	defer r.leave(next)
	s := stream{w, http.NewResponseController(w), r}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if !s.greet(past) {
		return
	}
	pulse := time.NewTicker(streamPulse)
	defer pulse.Stop()
	for {
		select {
		case f, more := <-next:
			if !more || !s.send(f) {
				return
			}
		case <-pulse.C:
			if !s.write(": still here\n\n") {
				return
			}
		case <-req.Context().Done():
			return
		case <-r.closed:
			return
		}
	}
}

// stream writes to one page.
type stream struct {
	w        http.ResponseWriter
	ctl      *http.ResponseController
	recorder *Recorder
}

// greet names the process, so that a page notices a restart, and sends what
// has been missed.
func (s stream) greet(past []frame) bool {
	if !s.write(fmt.Sprintf("retry: 1000\nevent: hello\ndata: %q\n\n", s.recorder.start)) {
		return false
	}
	for _, f := range past {
		if !s.send(f) {
			return false
		}
	}
	return true
}

func (s stream) send(f frame) bool {
	return s.write(fmt.Sprintf("id: %s\ndata: %s\n\n", s.recorder.name(f.id), f.data))
}

func (s stream) write(text string) bool {
	_ = s.ctl.SetWriteDeadline(time.Now().Add(streamStall))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.ctl.Flush() == nil
}
