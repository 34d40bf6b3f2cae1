package wechat_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
)

// closedAtItsEnd fails the read behind its last byte, as a body of net/http's server
// does once the answer has begun.
type closedAtItsEnd struct{ left int }

func (b *closedAtItsEnd) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("read on closed body")
	}
	n := min(len(p), b.left)
	b.left -= n
	return n, nil
}

func (b *closedAtItsEnd) Close() error { return nil }

func TestRelayedBodyIsNotReadPastItsLength(t *testing.T) {
	t.Parallel()
	answer := bytes.Repeat([]byte("x"), 64<<10)
	r := relayTo(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(answer)
	})
	for _, length := range []int{300 << 10, 1 << 20} {
		for range 20 {
			req := relayRequest(t, "POST", "/cgi-bin/media/upload", &closedAtItsEnd{left: length})
			req.ContentLength = int64(length)
			if _, got := relayed(t, r, req); !bytes.Equal(got, answer) {
				t.Fatalf("%d bytes of the answer to %d", len(got), length)
			}
		}
	}
}
