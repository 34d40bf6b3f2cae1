package proxy

import (
	"net/http"
	"sync"
	"time"
)

// streamDeadline keeps the write deadline of an HTTP/2 stream away while nothing
// is being written. HTTP/1's deadline only fails a write that waits; that of a
// stream resets it when the time has come (net/http's http2stream), also an
// upload, a long poll or a quiet stream of events.
type streamDeadline struct {
	ctl   *http.ResponseController
	timer *time.Timer

	mu      sync.Mutex
	writing bool
	over    bool
}

// startStreamDeadline gives nil for HTTP/1, which needs none.
func startStreamDeadline(w http.ResponseWriter, r *http.Request) *streamDeadline {
	if r.ProtoMajor < 2 {
		return nil
	}
	c := &streamDeadline{ctl: http.NewResponseController(w)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(clientWriteTimeout/2, c.tick)
	return c
}

func (c *streamDeadline) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	if !c.writing {
		_ = c.ctl.SetWriteDeadline(time.Now().Add(clientWriteTimeout))
	}
	c.timer.Reset(clientWriteTimeout / 2)
}

// write marks the beginning and end of a write, which the deadline is for.
func (c *streamDeadline) setWriting(begins bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.writing = begins
	c.mu.Unlock()
}

// stop must come before the handler returns: the stream is gone then.
func (c *streamDeadline) stop() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.timer.Stop()
}
