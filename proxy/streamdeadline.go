package proxy

import (
	"net/http"
	"sync"
	"time"
)

// streamDeadline extends the write deadline of an HTTP/2 stream while no write is in
// progress. In HTTP/1 a write deadline fails only a blocked write. net/http's HTTP/2
// server resets the stream when the deadline passes, an upload, a long poll or an idle
// event stream included.
type streamDeadline struct {
	ctl   *http.ResponseController
	timer *time.Timer

	mu      sync.Mutex
	writing bool
	stopped bool
}

// startStreamDeadline returns nil for HTTP/1, which needs none; the methods accept nil.
func startStreamDeadline(w http.ResponseWriter, r *http.Request) *streamDeadline {
	if r.ProtoMajor < 2 {
		return nil
	}
	d := &streamDeadline{ctl: http.NewResponseController(w)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = time.AfterFunc(clientWriteTimeout/2, d.extend)
	return d
}

func (d *streamDeadline) extend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return
	}
	if !d.writing {
		_ = d.ctl.SetWriteDeadline(time.Now().Add(clientWriteTimeout))
	}
	d.timer.Reset(clientWriteTimeout / 2)
}

// setWriting must be called before and after each write.
func (d *streamDeadline) setWriting(writing bool) {
	if d == nil {
		return
	}
	d.mu.Lock()
	d.writing = writing
	d.mu.Unlock()
}

// stop must be called before the handler returns: the stream must not be used after
// that.
func (d *streamDeadline) stop() {
	if d == nil {
		return
	}
	d.mu.Lock()
	d.stopped = true
	d.mu.Unlock()
	d.timer.Stop()
}
