package playground

import (
	"fmt"
	"net/http"
	"time"
)

// keepAliveInterval is the time between comments that keep proxies from closing a quiet
// stream.
const keepAliveInterval = 20 * time.Second

// writeTimeout bounds a write to a page that doesn't read.
const writeTimeout = 30 * time.Second

// serveEvents sends the stream of server-sent events: first those that a page has
// missed, then each new event.
func (r *Recorder) serveEvents(w http.ResponseWriter, req *http.Request) {
	past, next := r.subscribe(req.Header.Get("Last-Event-ID"))
	defer r.unsubscribe(next)
	s := stream{w, http.NewResponseController(w), r}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if !s.sendHello(past) {
		return
	}
	keepAlive := time.NewTicker(keepAliveInterval)
	defer keepAlive.Stop()
	for {
		select {
		case f, more := <-next:
			if !more || !s.send(f) {
				return
			}
		case <-keepAlive.C:
			if !s.write(": keep-alive\n\n") {
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

// sendHello sends the id of the process, so that a page notices a restart, and the
// missed events.
func (s stream) sendHello(past []frame) bool {
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
	return s.write(fmt.Sprintf("id: %s\ndata: %s\n\n", s.recorder.eventID(f.id), f.data))
}

func (s stream) write(text string) bool {
	_ = s.ctl.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.ctl.Flush() == nil
}
