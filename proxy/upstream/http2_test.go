package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

var discardLog = log.New(io.Discard, "", 0)

// serveH2C starts a backend that serves HTTP/2 without TLS only.
func serveH2C(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.ErrorLog = discardLog
	s.Start()
	t.Cleanup(s.Close)
	return "h2c" + strings.TrimPrefix(s.URL, "http")
}

func TestTrailersAreForwardedInBothDirections(t *testing.T) {
	t.Parallel()
	echoTrailer := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "Grpc-Status")
		io.WriteString(w, r.Proto+" "+string(b)+" "+r.Trailer.Get("X-Sum"))
		w.Header().Set("Grpc-Status", "7")
	}
	for proto, u := range map[string]string{"HTTP/1.1": serve(t, echoTrailer), "HTTP/2.0": serveH2C(t, echoTrailer)} {
		g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
		req := request(t, "POST", "/pkg.Service/Method", "body")
		req.ContentLength = -1
		req.Trailer = http.Header{"X-Sum": {"42"}}
		res, err := g.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if string(b) != proto+" body 42" || err != nil || res.Trailer.Get("Grpc-Status") != "7" || inFlight(g) != 0 {
			t.Errorf("%s: got %q, %v, trailer %v, %d in flight", proto, b, err, res.Trailer, inFlight(g))
		}
	}
}

func TestH2CStreamsInBothDirections(t *testing.T) {
	t.Parallel()
	u := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.Flush()
		scanner := bufio.NewScanner(r.Body)
		for scanner.Scan() {
			io.WriteString(w, strings.ToUpper(scanner.Text())+"\n")
			control.Flush()
		}
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u), Timeout: 20 * time.Millisecond})
	body, client := io.Pipe()
	res, err := g.RoundTrip(withBody(body)(request(t, "POST", "/", "")))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(res.Body)
	for _, line := range []string{"ping\n", "pong\n", "more\n"} {
		io.WriteString(client, line)
		if got, err := lines.ReadString('\n'); got != strings.ToUpper(line) {
			t.Fatalf("%q: the response line is %q, %v", line, got, err)
		}
	}
	if n := inFlight(g); n != 1 {
		t.Errorf("%d in flight while the stream is open", n)
	}
	client.Close()
	if rest, err := io.ReadAll(lines); len(rest) != 0 || err != nil {
		t.Errorf("ended with %q, %v", rest, err)
	}
	if n := inFlight(g); n != 0 {
		t.Errorf("%d in flight after its end", n)
	}
}

func TestH2CCancelReachesTheTarget(t *testing.T) {
	t.Parallel()
	started, canceled := make(chan struct{}), make(chan struct{})
	u := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
		close(canceled)
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if r := send(g, request(t, "POST", "/", "x").WithContext(ctx)); !errors.Is(r.err, context.Canceled) {
		t.Errorf("error is %v", r.err)
	}
	<-canceled
}

func TestH2CTimesOut(t *testing.T) {
	t.Parallel()
	u := serveH2C(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, body := range map[string]io.ReadCloser{"small": io.NopCloser(strings.NewReader("x")), "endless": endless{}} {
		g, _ := groupWithClock(t, Config{Targets: targets(t, u), Timeout: 50 * time.Millisecond})
		if r := send(g, withBody(body)(request(t, "POST", "/", ""))); !errors.Is(r.err, ErrTimeout) {
			t.Errorf("%s: %v", name, r.err)
		}
	}
}

func TestH2CConnectErrorsAreRetried(t *testing.T) {
	t.Parallel()
	u := serveH2C(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	g, _ := groupWithClock(t, Config{Targets: targets(t, "h2c"+refusedURL[len("http"):], u), Retries: 1})
	for range 2 {
		if r := post(t, g, "x"); r.body != "x" {
			t.Errorf("got %q, %v", r.body, r.err)
		}
	}
}

// serveFrames starts an HTTP/2 backend that writes single frames: f is called with each
// request's headers.
func serveFrames(t *testing.T, first []http2.Setting, f func(fr *http2.Framer, stream uint32)) string {
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(r, preface); err != nil {
			return
		}
		fr := http2.NewFramer(c, r)
		fr.WriteSettings(first...)
		for {
			frame, err := fr.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				f(fr, h.StreamID)
			}
		}
	})
	return "h2c" + strings.TrimPrefix(u, "http")
}

// H2-15
func TestMalformedHTTP2IsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first []http2.Setting
		f     func(fr *http2.Framer, stream uint32)
	}{
		"frame size 0":    {[]http2.Setting{{ID: http2.SettingMaxFrameSize, Val: 0}}, func(*http2.Framer, uint32) {}},
		"frame size 2^31": {[]http2.Setting{{ID: http2.SettingMaxFrameSize, Val: 1 << 31}}, func(*http2.Framer, uint32) {}},
		"bad window":      {[]http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 1 << 31}}, func(*http2.Framer, uint32) {}},
		"goaway and settings": {nil, func(fr *http2.Framer, stream uint32) {
			fr.WriteGoAway(stream, http2.ErrCodeProtocol, nil)
			fr.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 0})
		}},
		"data before headers": {nil, func(fr *http2.Framer, stream uint32) { fr.WriteData(stream, true, []byte("EVIL")) }},
		"headers of nothing": {nil, func(fr *http2.Framer, stream uint32) {
			fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true})
		}},
		"garbage block": {nil, func(fr *http2.Framer, stream uint32) {
			fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true, BlockFragment: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})
		}},
		"reset": {nil, func(fr *http2.Framer, stream uint32) { fr.WriteRSTStream(stream, http2.ErrCodeInternal) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			u := serveFrames(t, c.first, func(fr *http2.Framer, stream uint32) { requests.Add(1); c.f(fr, stream) })
			g, _ := groupWithClock(t, Config{Targets: targets(t, u), Timeout: 5 * time.Second})
			for range 2 {
				if r := post(t, g, "x"); r.err == nil || errors.Is(r.err, ErrTimeout) {
					t.Errorf("got %d, %q, %v", r.status, r.body, r.err)
				}
			}
			if n := requests.Load(); n > 2 {
				t.Errorf("two requests were sent %d times", n)
			}
		})
	}
}

// A host that loses power doesn't close its connections.
func TestAnUnresponsiveHTTP2ConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	var conns atomic.Int64
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		if conns.Add(1) == 1 {
			io.Copy(io.Discard, r)
			return
		}
		r.Discard(len(http2.ClientPreface))
		fr := http2.NewFramer(c, r)
		fr.WriteSettings()
		for {
			frame, err := fr.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				status204 := []byte{0x80 | 9} // of HPACK's static table
				fr.WriteHeaders(http2.HeadersFrameParam{StreamID: h.StreamID, EndHeaders: true, EndStream: true, BlockFragment: status204})
			}
		}
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, "h2c"+u[len("http"):]), Timeout: 100 * time.Millisecond})
	if r := get(t, g, "/"); !errors.Is(r.err, ErrTimeout) {
		t.Fatalf("error is %v", r.err)
	}
	if r := get(t, g, "/"); r.status != http.StatusNoContent {
		t.Errorf("got %d, %v", r.status, r.err)
	}
}

func TestARetriedRequestHasItsWholeBody(t *testing.T) {
	t.Parallel()
	u := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush() // the headers are sent before the body is read
		io.Copy(w, r.Body)
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, refusedURL, u), Retries: 1})
	body, client := io.Pipe()
	res, err := g.RoundTrip(withBody(body)(request(t, "POST", "/", "")))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		io.WriteString(client, "late")
		client.Close()
	}()
	if b, err := io.ReadAll(res.Body); string(b) != "late" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	res.Body.Close()
}
