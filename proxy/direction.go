package proxy

import (
	"io"
	"net"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

const (
	// tunnelStall is how long a peer may leave a write to it unread.
	tunnelStall = 60 * time.Second

	// smallRead is what an idle direction holds where its source has no
	// descriptor to wait for.
	smallRead = 512
)

// direction is one way of a tunnel. While it is idle it holds no buffer, and its
// goroutine waits in few frames, so that its stack stays at the smallest size, 2 KiB.
type direction struct {
	dst    io.Writer
	src    io.Reader
	raw    syscall.RawConn // src's; nil: it has none, as over TLS
	first  []byte          // to be written ahead of what src gives
	down   bool            // towards the client
	copied int64           // bytes

	buf  *copyBuffer // borrowed by readFD
	got  int         // bytes in buf
	err  error       // of readFD
	read func(fd uintptr) bool
}

func newDirection(dst io.Writer, src io.Reader) *direction {
	d := &direction{dst: dst, src: src}
	d.read = d.readFD
	if c, ok := src.(net.Conn); ok {
		d.raw = rawio.ConnOf(c)
	}
	return d
}

// copy copies until the source ends, which is no error.
func (d *direction) copy() error {
	err := d.write(d.first)
	d.first = nil
	for err == nil {
		if d.raw != nil {
			err = d.copyReady()
		} else {
			err = d.copyRead()
		}
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// copyReady waits until the source's descriptor has something, and copies it.
func (d *direction) copyReady() error {
	if err := d.raw.Read(d.read); err != nil {
		return err
	}
	err := d.write(d.buf[:d.got])
	copyBuffers.Put(d.buf)
	d.buf = nil
	if err == nil {
		err = d.err
	}
	return err
}

// readFD borrows a buffer only for as long as there is something to copy. It is false
// where nothing has come.
func (d *direction) readFD(fd uintptr) bool {
	d.buf = copyBuffers.Get().(*copyBuffer)
	n, err := rawio.Read(fd, d.buf[:])
	if err == syscall.EAGAIN {
		copyBuffers.Put(d.buf)
		d.buf = nil
		return false
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	d.got, d.err = max(n, 0), err
	return true
}

// copyRead copies through a small buffer, and through a borrowed large one while the
// source has more than that at once.
func (d *direction) copyRead() error {
	var small [smallRead]byte
	for {
		got, err := d.src.Read(small[:])
		if werr := d.write(small[:got]); werr != nil {
			return werr
		}
		if err == nil && got == len(small) {
			err = d.copyBulk()
		}
		if err != nil {
			return err
		}
	}
}

// copyBulk copies through a borrowed buffer until a read leaves most of it
// empty.
func (d *direction) copyBulk() error {
	buf := copyBuffers.Get().(*copyBuffer)
	defer copyBuffers.Put(buf)
	for {
		got, err := d.src.Read(buf[:])
		if werr := d.write(buf[:got]); werr != nil {
			return werr
		}
		if err != nil || got < smallRead {
			return err
		}
	}
}

// write bounds how long a peer that does not read can hold a buffer.
func (d *direction) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if c, ok := d.dst.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = c.SetWriteDeadline(time.Now().Add(tunnelStall))
	}
	_, err := d.dst.Write(p)
	if err == nil {
		d.copied += int64(len(p))
	}
	return err
}
