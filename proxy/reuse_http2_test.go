package proxy_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// net/http returns from WriteHeader when the client resets the stream, while another
// goroutine of it may still read the header of a 1xx response. Changing the header then
// would crash the process: concurrent map iteration and map write.
func TestResetDuringEarlyHintsDoesNotCrash(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{quiet: true, backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 64 {
			w.Header()["X-Hint-"+strconv.Itoa(i)] = []string{"value"}
		}
		for range 30 {
			w.WriteHeader(http.StatusEarlyHints)
		}
	})})
	end := time.Now().Add(3 * time.Second)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for time.Now().Before(end) {
				env.resetEarlyHints()
			}
		})
	}
	all.Wait()
}

// resetEarlyHints resets each stream after its first frame has arrived.
func (env *testEnv) resetEarlyHints() {
	s := &attackGateway{attackEnv: &attackEnv{tokens: strings.NewReplacer()}, t: env.t, addr: env.addr}
	w := s.dialH2()
	defer w.conn.Close()
	for stream := uint32(1); stream < 200; stream += 2 {
		w.headers(stream, true, ":method", "GET", ":scheme", "http", ":authority", "gw.test", ":path", "/public/")
		for {
			f, err := w.frames.ReadFrame()
			if err != nil {
				return
			}
			if f.Header().StreamID == stream {
				break
			}
		}
		_ = w.frames.WriteRSTStream(stream, http2.ErrCodeCancel)
	}
}
