package upstream

import (
	"io"
	"sync"
	"time"
)

// requestBody is a request's body that outlives an attempt which never read
// from it: a transport closes the body when it fails, here that only counts
// once the body has been begun or the request is over.
type requestBody struct {
	body io.ReadCloser

	mu      sync.Mutex
	begun   bool  // something may have been read
	reading bool  // the client is waited for, not the target
	closed  bool  // by the transport
	over    bool  // there will be no further attempt
	err     error // of reading, other than io.EOF
	moved   time.Time
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	b.begun, b.reading = true, true
	b.mu.Unlock()

	n, err := b.body.Read(p)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	b.moved = time.Now()
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (b *requestBody) Close() error {
	b.mu.Lock()
	b.closed = true
	now := b.begun || b.over
	b.mu.Unlock()
	if !now {
		return nil
	}
	return b.body.Close()
}

// lend gives the body to an attempt; what became of an earlier one is past.
func (b *requestBody) lend() {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.closed = false
	b.mu.Unlock()
}

// finish lets the body go: no further attempt will need it. Failed says that
// no transport will either.
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
	return !b.begun
}

// failure is the error that reading the body ended with, if any.
func (b *requestBody) failure() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// stalledFor is how long the target has not come back for more.
func (b *requestBody) stalledFor(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reading || b.moved.IsZero() {
		return 0
	}
	return now.Sub(b.moved)
}
