package upstream

import (
	"io"
	"sync/atomic"
)

// answer is a response's body that ends its peer's account of the request when
// it has been read to its end, has failed or is closed.
type answer struct {
	io.ReadCloser
	peer *peer
	done atomic.Bool
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil {
		a.end()
	}
	return n, err
}

func (a *answer) Close() error {
	err := a.ReadCloser.Close()
	a.end()
	return err
}

func (a *answer) end() {
	if !a.done.Swap(true) {
		a.peer.leave()
	}
}

// upgraded is the connection that a 101 response hands over. It counts as in
// flight until it is closed.
type upgraded struct {
	io.ReadWriteCloser
	peer *peer
	done atomic.Bool
}

func (u *upgraded) Close() error {
	err := u.ReadWriteCloser.Close()
	if !u.done.Swap(true) {
		u.peer.leave()
	}
	return err
}

// CloseWrite ends the way to the target and leaves the way back open.
func (u *upgraded) CloseWrite() error {
	half, ok := u.ReadWriteCloser.(interface{ CloseWrite() error })
	if !ok {
		return u.Close()
	}
	return half.CloseWrite()
}
