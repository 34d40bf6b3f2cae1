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
