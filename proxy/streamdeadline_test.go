package proxy

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// deadlineRecorder records the write deadline that is set on it.
type deadlineRecorder struct {
	http.ResponseWriter
	at atomic.Int64 // Unix nanoseconds
}

func (d *deadlineRecorder) SetWriteDeadline(at time.Time) error {
	d.at.Store(at.UnixNano())
	return nil
}

func (d *deadlineRecorder) left() time.Duration { return time.Until(time.Unix(0, d.at.Load())) }

func TestIdleStreamIsNotResetByTheWriteTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &deadlineRecorder{ResponseWriter: httptest.NewRecorder()}
		_ = w.SetWriteDeadline(time.Now().Add(clientWriteTimeout))
		c := startStreamDeadline(w, &http.Request{ProtoMajor: 2})
		for range 100 {
			time.Sleep(clientWriteTimeout / 4)
			synctest.Wait()
			if w.left() <= 0 {
				t.Fatal("an idle stream would have been reset")
			}
		}
		c.setWriting(true)
		time.Sleep(2 * clientWriteTimeout)
		synctest.Wait()
		if w.left() > 0 {
			t.Error("a write that the client blocks has no deadline")
		}
		c.setWriting(false)
		c.stop()
		last := w.at.Load()
		time.Sleep(10 * clientWriteTimeout)
		if w.at.Load() != last {
			t.Error("the deadline was extended after stop")
		}
	})
}
