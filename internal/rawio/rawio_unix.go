//go:build unix

// Package rawio makes the read and write system calls of a connection, for code that
// waits in syscall.RawConn's Read or Write. Such code needs no buffer until data has
// arrived, and the goroutine that waits needs only a small stack.
package rawio

import (
	"net"
	"syscall"
)

// ConnOf returns the syscall.RawConn of a connection; nil if it has no descriptor, as with
// TLS.
func ConnOf(c net.Conn) syscall.RawConn {
	if sc, ok := c.(syscall.Conn); ok {
		raw, _ := sc.SyscallConn() // nil if it is closed
		return raw
	}
	return nil
}

// Read reads from a descriptor that does not block. The error is syscall.EAGAIN if
// nothing has arrived; 0 bytes without an error are the end of the stream.
func Read(fd uintptr, p []byte) (int, error) {
	for { // repeat if a signal has interrupted the call
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// Write writes to a descriptor that does not block. It returns 0 if the socket's send
// buffer is full.
func Write(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		switch err {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return max(n, 0), err
		}
	}
}
