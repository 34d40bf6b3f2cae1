package upstream

import (
	"fmt"
	"io"
)

// maxShortBody is the size up to which a request's body is read before the request is
// sent, in bytes: head and body then take one write.
const maxShortBody = 4 << 10

// prepareBody reads a short body, or sets up a longer one to be sent while it is read.
func (cs *callState) prepareBody() error {
	switch n := cs.req.ContentLength; {
	case !hasBody(cs.req):
		return nil
	case n > 0 && n <= maxShortBody && len(cs.req.Trailer) == 0 && !cs.header.Has("Expect"):
		cs.shortBody = make([]byte, n)
		return readWhole(cs.req.Body, cs.shortBody)
	}
	cs.body = &requestBody{body: cs.req.Body}
	return nil
}

// readWhole reads a body, which must have exactly the length of p, and closes it.
func readWhole(body io.ReadCloser, p []byte) error {
	defer body.Close()
	if _, err := io.ReadFull(body, p); err != nil {
		return fmt.Errorf("%w: %w", ErrRequestBody, err)
	}
	var more [1]byte
	n, err := body.Read(more[:])
	if n > 0 {
		err = errLength
	}
	if err != nil && err != io.EOF {
		return fmt.Errorf("%w: %w", ErrRequestBody, err)
	}
	return nil
}
