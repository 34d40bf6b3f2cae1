package upstream

import (
	"errors"
	"io"
	"sync"
	"time"
)

// requestBody is a request's body that survives an attempt which never read
// from it: a transport earlyClose the body when it fails, but the client's body is
// closed only once it has been read from or no attempt is left.
type requestBody struct {
	body io.ReadCloser

	mu       sync.Mutex
	attempt  *attemptBody // the current one's
	started  bool         // something may have been read
	reading  bool         // waiting for the client, not for the target
	closed   bool         // by the transport
	over     bool         // there will be no further attempt
	err      error        // of reading, other than io.EOF
	lastRead time.Time
}

// attemptBody is the body as one attempt has it. A goroutine of an attempt that has
// failed may come to read it late: it must not get what the next one sends.
type attemptBody struct{ *requestBody }

// errBodyInUse is of an attempt that is over, or that has nothing left to send.
var errBodyInUse = errors.New("another attempt has the request's body")

func (b *attemptBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.attempt != b {
		b.mu.Unlock()
		return 0, errBodyInUse
	}
	b.started, b.reading = true, true
	b.mu.Unlock()

	n, err := b.body.Read(p)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	b.lastRead = time.Now()
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (b *attemptBody) Close() error {
	b.mu.Lock()
	current := b.attempt == b
	b.closed = b.closed || current
	now := current && (b.started || b.over)
	b.mu.Unlock()
	if !now {
		return nil
	}
	return b.body.Close()
}

// attach gives the body to an attempt, and takes it from those before. It fails where
// one of them has begun to read it.
func (b *requestBody) attach() (*attemptBody, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started {
		return nil, errBodyInUse
	}
	b.closed, b.attempt = false, &attemptBody{b}
	return b.attempt, nil
}

// finish says that no further attempt will need the body. With failed, no
// transport will close it either.
func (b *requestBody) finish(failed bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.over = true
	now := failed || b.closed
	b.mu.Unlock()
	if now {
		b.body.Close()
	}
}

// unread reports whether the whole body is still there for another attempt.
func (b *requestBody) unread() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.started
}

// readError is the error that reading the body ended with, if any.
func (b *requestBody) readError() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// stalledFor is for how long the target has not taken more of the body.
func (b *requestBody) stalledFor(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reading || b.lastRead.IsZero() {
		return 0
	}
	return now.Sub(b.lastRead)
}
