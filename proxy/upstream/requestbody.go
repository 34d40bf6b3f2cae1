package upstream

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

func hasBody(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody
}

// requestBody is a request's body that can be sent by a second attempt if the first has
// not read from it. A transport closes the body when it fails; the client's body is
// closed only after it has been read from, or when there is no further attempt.
type requestBody struct {
	body io.ReadCloser

	mu            sync.Mutex
	attempt       *attemptBody // of the current attempt
	readStarted   bool         // a Read has started
	reading       bool         // a Read waits for the client
	closed        bool         // the current attempt's transport has closed it
	attemptsEnded bool         // there is no further attempt
	err           error        // of Read, other than io.EOF
	lastRead      time.Time
}

// attemptBody is the body of one attempt. A goroutine of a failed attempt may read
// late: it must not get bytes that belong to the next attempt.
type attemptBody struct{ *requestBody }

// errBodyInUse is returned to an attempt that is over, and to one that starts after the
// body was read from.
var errBodyInUse = errors.New("another attempt has the request's body")

// attachBody sets the body of the current attempt's request.
func (cs *callState) attachBody() error {
	if cs.body == nil {
		return nil
	}
	body, err := cs.body.attach()
	if err != nil {
		return err
	}
	cs.out.Body = body
	return nil
}

// attach returns the body for a new attempt. Earlier attempts can't read any more. It
// fails if one of them has started to read.
func (b *requestBody) attach() (*attemptBody, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.readStarted {
		return nil, errBodyInUse
	}
	b.closed, b.attempt = false, &attemptBody{b}
	return b.attempt, nil
}

func (b *attemptBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.attempt != b {
		b.mu.Unlock()
		return 0, errBodyInUse
	}
	b.readStarted, b.reading = true, true
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
	closeNow := current && (b.readStarted || b.attemptsEnded)
	b.mu.Unlock()
	if !closeNow {
		return nil
	}
	return b.body.Close()
}

// endAttempts is called when there is no further attempt. failed means that all attempts
// have failed: no transport closes the body any more.
func (b *requestBody) endAttempts(failed bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.attemptsEnded = true
	closeNow := failed || b.closed
	b.mu.Unlock()
	if closeNow {
		b.body.Close()
	}
}

// unread reports whether no attempt has read from the body.
func (b *requestBody) unread() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.readStarted
}

// readError returns the error of reading the body, nil if there was none.
func (b *requestBody) readError() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// stalledFor is how long the target has not accepted more of the body. Time spent
// waiting for the client doesn't count.
func (b *requestBody) stalledFor(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reading || b.lastRead.IsZero() {
		return 0
	}
	return now.Sub(b.lastRead)
}
