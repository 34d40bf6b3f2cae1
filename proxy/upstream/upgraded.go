package upstream

import (
	"io"
	"sync"
	"sync/atomic"
)

// upgraded is the connection that a 101 response hands over. It counts as in
// flight until it is closed. io.Copy in either direction holds a kilobyte
// while the connection rests, not the 32 it would take on its own.
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

// WriteTo copies from the target.
func (u *upgraded) WriteTo(w io.Writer) (int64, error) { return leanCopy(w, u.ReadWriteCloser) }

// ReadFrom copies to the target.
func (u *upgraded) ReadFrom(r io.Reader) (int64, error) { return leanCopy(u.ReadWriteCloser, r) }

const (
	leanBuffer = 1 << 10
	bulkBuffer = 32 << 10
)

// bulk lends buffers for as long as bytes keep coming.
var bulk = sync.Pool{New: func() any { return new([bulkBuffer]byte) }}

// leanCopy is io.Copy with a small buffer that grows while it is filled.
func leanCopy(dst io.Writer, src io.Reader) (total int64, err error) {
	rest := make([]byte, leanBuffer)
	for {
		n, full, err := copyOnce(dst, src, rest)
		total += n
		for full && err == nil {
			n, full, err = copyBulk(dst, src)
			total += n
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

func copyBulk(dst io.Writer, src io.Reader) (int64, bool, error) {
	b := bulk.Get().(*[bulkBuffer]byte)
	defer bulk.Put(b)
	return copyOnce(dst, src, b[:])
}

// copyOnce reads once and writes what came. Full says that there is likely more.
func copyOnce(dst io.Writer, src io.Reader, buf []byte) (int64, bool, error) {
	n, rerr := src.Read(buf)
	if n == 0 {
		return 0, false, rerr
	}
	if _, err := dst.Write(buf[:n]); err != nil {
		return 0, false, err
	}
	return int64(n), n == len(buf), rerr
}
