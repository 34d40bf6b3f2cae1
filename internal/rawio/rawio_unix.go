//go:build unix

// Package rawio makes a connection's own system calls, for code that waits in
// syscall.RawConn's Read or Write: without a buffer until something has come, and with
// few frames on the stack of the goroutine that waits.
package rawio

import (
	"net"
	"syscall"
)

// ConnOf gives access to a connection's descriptor; nil where there is none, as over
// TLS.
func ConnOf(c net.Conn) syscall.RawConn {
	if sc, ok := c.(syscall.Conn); ok {
		raw, _ := sc.SyscallConn() // nil where it is closed
		return raw
	}
	return nil
}

// Read reads from a descriptor that does not block. The error is syscall.EAGAIN where
// nothing has come; 0 without an error is the end.
func Read(fd uintptr, p []byte) (int, error) {
	for { // anew when a signal has broken it off
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// Write writes to a descriptor that does not block: 0 where the network's buffers are
// full.
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
