package upstream

import (
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// countedBody is a response's body. The request counts as in flight at its
// endpoint until the body has been read to its end, has failed or is closed.
type countedBody struct {
	io.ReadCloser
	endpoint *endpoint
	done     atomic.Bool
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

func (b *countedBody) Close() error {
	err := b.ReadCloser.Close()
	b.release()
	return err
}

func (b *countedBody) release() {
	if !b.done.Swap(true) {
		b.endpoint.release()
	}
}

// countedUpgrade is the connection that a 101 response hands over. It counts
// as in flight until it is closed.
type countedUpgrade struct {
	io.ReadWriteCloser
	endpoint *endpoint
	done     atomic.Bool
}

func (u *countedUpgrade) Close() error {
	err := u.ReadWriteCloser.Close()
	if !u.done.Swap(true) {
		u.endpoint.release()
	}
	return err
}

// CloseWrite ends the direction to the target and leaves the other one open.
func (u *countedUpgrade) CloseWrite() error {
	half, ok := u.ReadWriteCloser.(interface{ CloseWrite() error })
	if !ok {
		return u.Close()
	}
	return half.CloseWrite()
}

// SetWriteDeadline bounds how long a target that doesn't read can hold what is
// written to it. It is not supported over TLS.
func (u *countedUpgrade) SetWriteDeadline(t time.Time) error {
	c, ok := u.ReadWriteCloser.(interface{ SetWriteDeadline(time.Time) error })
	if !ok {
		return errors.ErrUnsupported
	}
	return c.SetWriteDeadline(t)
}
