package proxy

import (
	"io"
	"net"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

const (
	// tunnelWriteTimeout bounds one write to a peer that does not read.
	tunnelWriteTimeout = 60 * time.Second

	// smallReadSize is the buffer of an idle direction whose source has no file
	// descriptor to wait for.
	smallReadSize = 512
)

// tunnelCopy copies one direction of a tunnel. While it is idle it holds no buffer, and
// the call depth of its goroutine is small, so that the stack stays at the minimum of
// 2 KiB.
type tunnelCopy struct {
	dst      io.Writer
	src      io.Reader
	rawConn  syscall.RawConn // of src; nil: none, as over TLS
	buffered []byte          // bytes of src that were read before; written first
	toClient bool            // the direction is from the backend to the client
	copied   int64           // bytes

	buf      *copyBuffer           // from the pool, between readFD and the write
	n        int                   // bytes in buf
	err      error                 // of readFD
	readFunc func(fd uintptr) bool // readFD, as an argument of rawConn.Read
}

func newTunnelCopy(dst io.Writer, src io.Reader) *tunnelCopy {
	c := &tunnelCopy{dst: dst, src: src}
	c.readFunc = c.readFD
	if conn, ok := src.(net.Conn); ok {
		c.rawConn = rawio.ConnOf(conn)
	}
	return c
}

// run copies until the source ends; io.EOF is not returned as an error.
func (c *tunnelCopy) run() error {
	err := c.write(c.buffered)
	c.buffered = nil
	for err == nil {
		if c.rawConn != nil {
			err = c.copyReadable()
		} else {
			err = c.copyBlocking()
		}
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// copyReadable waits until the source's descriptor is readable, and copies one buffer.
func (c *tunnelCopy) copyReadable() error {
	if err := c.rawConn.Read(c.readFunc); err != nil {
		return err
	}
	err := c.write(c.buf[:c.n])
	copyBuffers.Put(c.buf)
	c.buf = nil
	if err == nil {
		err = c.err
	}
	return err
}

// readFD reads into a buffer from the pool. It returns the buffer and reports false
// if there is nothing to read.
func (c *tunnelCopy) readFD(fd uintptr) bool {
	c.buf = copyBuffers.Get().(*copyBuffer)
	n, err := rawio.Read(fd, c.buf[:])
	if err == syscall.EAGAIN {
		copyBuffers.Put(c.buf)
		c.buf = nil
		return false
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	c.n, c.err = max(n, 0), err
	return true
}

// copyBlocking reads into a small buffer, and into a large one from the pool while the
// source returns more than the small one holds.
func (c *tunnelCopy) copyBlocking() error {
	var small [smallReadSize]byte
	for {
		n, err := c.src.Read(small[:])
		if werr := c.write(small[:n]); werr != nil {
			return werr
		}
		if err == nil && n == len(small) {
			err = c.copyBulk()
		}
		if err != nil {
			return err
		}
	}
}

// copyBulk copies through a buffer from the pool until a read returns less
// than smallReadSize.
func (c *tunnelCopy) copyBulk() error {
	buf := copyBuffers.Get().(*copyBuffer)
	defer copyBuffers.Put(buf)
	for {
		n, err := c.src.Read(buf[:])
		if werr := c.write(buf[:n]); werr != nil {
			return werr
		}
		if err != nil || n < smallReadSize {
			return err
		}
	}
}

// write writes p within tunnelWriteTimeout: a peer that does not read must not keep a
// buffer.
func (c *tunnelCopy) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if conn, ok := c.dst.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = conn.SetWriteDeadline(time.Now().Add(tunnelWriteTimeout))
	}
	_, err := c.dst.Write(p)
	if err == nil {
		c.copied += int64(len(p))
	}
	return err
}
