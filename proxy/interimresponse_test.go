package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"wxgate/internal/testkit"
)

func TestEarlyHintsAreForwarded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.Header().Set("X-Session-Token", "stolen")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		io.WriteString(w, "done")
	})})
	var early textproto.MIMEHeader
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints {
				early = h
			}
			return nil
		},
	})
	req, err := http.NewRequestWithContext(ctx, "GET", env.base+"/public/x", nil)
	testkit.Must(t, err)
	res := env.do(req)
	if early.Get("Link") == "" || early.Get("X-Session-Token") != "" || res.Header.Get("Link") != "" || string(res.Body) != "done" {
		t.Errorf("early %v, then %v %s", early, res.Header, res.Body)
	}
}

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
