package wechat_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
)

// failsPastEnd is a body that fails the read after its last byte, as a body of net/http's
// server does once the response has begun.
type failsPastEnd struct{ left int }

func (b *failsPastEnd) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("read on closed body")
	}
	n := min(len(p), b.left)
	b.left -= n
	return n, nil
}

func (b *failsPastEnd) Close() error { return nil }

func TestRelayedBodyIsNotReadPastItsLength(t *testing.T) {
	t.Parallel()
	response := bytes.Repeat([]byte("x"), 64<<10)
	r := relayTo(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(response)
	})
	for _, length := range []int{300 << 10, 1 << 20} {
		for range 20 {
			req := relayRequest(t, "POST", "/cgi-bin/media/upload", &failsPastEnd{left: length})
			req.ContentLength = int64(length)
			if _, got := roundTrip(t, r, req); !bytes.Equal(got, response) {
				t.Fatalf("%d bytes of the response to a body of %d", len(got), length)
			}
		}
	}
}
