package proxy

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// deadlined notes the write deadline that is set on it.
type deadlined struct {
	http.ResponseWriter
	at atomic.Int64 // Unix nanoseconds
}

func (d *deadlined) SetWriteDeadline(at time.Time) error {
	d.at.Store(at.UnixNano())
	return nil
}

func (d *deadlined) left() time.Duration { return time.Until(time.Unix(0, d.at.Load())) }

func TestQuietStreamOutlivesTheWriteTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &deadlined{ResponseWriter: httptest.NewRecorder()}
		_ = w.SetWriteDeadline(time.Now().Add(clientWriteTimeout))
		c := startStreamDeadline(w, &http.Request{ProtoMajor: 2})
		for range 100 {
			time.Sleep(clientWriteTimeout / 4)
			synctest.Wait()
			if w.left() <= 0 {
				t.Fatal("a quiet stream would have been reset")
			}
		}
		c.setWriting(true)
		time.Sleep(2 * clientWriteTimeout)
		synctest.Wait()
		if w.left() > 0 {
			t.Error("a write that waits for the client has no end")
		}
		c.setWriting(false)
		c.stop()
		last := w.at.Load()
		time.Sleep(10 * clientWriteTimeout)
		if w.at.Load() != last {
			t.Error("the deadline was moved after the handler's end")
		}
	})
}
