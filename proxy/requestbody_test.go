package proxy

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tricklingBody sends one piece in each interval until a read deadline passes.
type tricklingBody struct {
	http.ResponseWriter
	piece    int
	interval time.Duration
	pieces   int // until the end
	deadline time.Time
}

func (b *tricklingBody) SetReadDeadline(at time.Time) error {
	b.deadline = at
	return nil
}

func (b *tricklingBody) Read(p []byte) (int, error) {
	if b.pieces == 0 {
		return 0, io.EOF
	}
	next := time.Now().Add(b.interval)
	if !b.deadline.IsZero() && b.deadline.Before(next) {
		time.Sleep(time.Until(b.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(b.interval)
	b.pieces--
	return b.piece, nil
}

func (b *tricklingBody) Close() error { return nil }

func TestSlowBodiesTimeOut(t *testing.T) {
	t.Parallel()
	const never = time.Duration(-1)
	http1, http2 := 1, 2
	grpc := "application/grpc"
	for name, test := range map[string]struct {
		proto    int
		kind     string
		length   int64
		endpoint bool // to one of the gateway's own endpoints
		piece    int
		interval time.Duration
		limit    time.Duration // the error comes after this time; never: it is read to its end
	}{
		"endpoint, silent":                    {http1, "", 10, true, 1, time.Hour, 10 * time.Second},
		"endpoint, silent, said to be gRPC":   {http1, grpc, 10, true, 1, time.Hour, 10 * time.Second},
		"endpoint, silent, gRPC over HTTP/2":  {http2, grpc, -1, true, 1, time.Hour, 10 * time.Second},
		"endpoint, a byte each 5 s":           {http1, "", -1, true, 1, 5 * time.Second, 15 * time.Second},
		"endpoint, a byte each 5 s, HTTP/2":   {http2, "", -1, true, 1, 5 * time.Second, 15 * time.Second},
		"endpoint, fast enough, endless":      {http1, "", -1, true, 500, time.Second, 30 * time.Second},
		"endpoint, slow phone":                {http1, "", 200, true, 100, 4 * time.Second, never},
		"route, silent":                       {http1, "", 10, false, 1, time.Hour, 30 * time.Second},
		"route, silent, said to be gRPC":      {http1, grpc, 10, false, 1, time.Hour, 30 * time.Second},
		"route, a byte each 5 s":              {http1, "", -1, false, 1, 5 * time.Second, 35 * time.Second},
		"route, a byte each 5 s, said gRPC":   {http1, grpc, -1, false, 1, 5 * time.Second, 35 * time.Second},
		"route, upload of 200 bytes a second": {http1, "", -1, false, 2000, 10 * time.Second, never},
		"route, HTTP/2 stream that pauses":    {http2, "", -1, false, 1, 20 * time.Second, never},
		"route, HTTP/2 sized":                 {http2, "", 100, false, 1, 20 * time.Second, 40 * time.Second},
		"route, gRPC stream that pauses":      {http2, grpc, -1, false, 1, time.Hour, never},
		"route, gRPC with a length, HTTP/2":   {http2, grpc, 100, false, 1, time.Hour, 30 * time.Second},
		"route, HTTP/2 stream that is silent": {http2, "", -1, false, 1, time.Hour, 30 * time.Second},
		"route, HTTP/1 event stream":          {http1, "text/event-stream", -1, false, 1, time.Hour, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				src := &tricklingBody{
					ResponseWriter: httptest.NewRecorder(), piece: test.piece, interval: test.interval, pieces: 100,
					deadline: time.Now().Add(bodyIdleTimeout), // by Gateway.begin
				}
				if test.limit == never && test.length > 0 {
					src.pieces = int(test.length) / test.piece
				}
				r := &http.Request{ProtoMajor: test.proto, ContentLength: test.length, Header: http.Header{"Content-Type": {test.kind}}, Body: src}
				limits := routeBodyLimits(r)
				if test.endpoint {
					limits = endpointBodyLimits()
				}
				start := time.Now()
				body := new(requestBody)
				body.start(&requestState{requestRecord: requestRecord{start: start}, w: src, r: r}, 0, limits, nil)
				_, err := io.Copy(io.Discard, body)
				elapsed := time.Since(start)
				if test.limit == never {
					if err != nil {
						t.Errorf("failed after %v: %v", elapsed, err)
					}
					return
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, errBodyTooSlow) || elapsed != test.limit {
					t.Errorf("failed after %v with %v, not after %v", elapsed, err, test.limit)
				}
			})
		})
	}
}

// endingBody reaches its end after the handler has returned.
type endingBody struct {
	io.Reader
	returned func()
}

func (b endingBody) Read([]byte) (int, error) {
	b.returned()
	return 0, io.EOF
}

func (endingBody) Close() error { return nil }

// After an early response of the backend, a goroutine may still read the body. When the
// handler has returned, its request must not be used any more.
func TestBodyReadAfterTheHandlerDoesNotReadTrailers(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	called := false
	body := new(requestBody)
	r.Body = endingBody{returned: body.stop}
	body.start(&requestState{r: r, w: httptest.NewRecorder()}, 0, routeBodyLimits(r), func() { called = true })
	if _, err := body.Read(make([]byte, 1)); err != io.EOF || called {
		t.Errorf("the trailers were read: %v, %v", called, err)
	}
}
