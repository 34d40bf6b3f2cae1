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
	c := &streamDeadline{ctl: http.NewResponseController(w)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(clientWriteTimeout/2, c.extend)
	return c
}

func (c *streamDeadline) extend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	if !c.writing {
		_ = c.ctl.SetWriteDeadline(time.Now().Add(clientWriteTimeout))
	}
	c.timer.Reset(clientWriteTimeout / 2)
}

// setWriting must be called before and after each write.
func (c *streamDeadline) setWriting(writing bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.writing = writing
	c.mu.Unlock()
}

// stop must be called before the handler returns: the stream must not be used after
// that.
func (c *streamDeadline) stop() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	c.timer.Stop()
}
