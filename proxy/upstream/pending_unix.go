//go:build unix

package upstream

import (
	"syscall"
)

// pending reports whether the target has closed the connection or sent
// something that the reader has not been woken for yet.
func (c *trackedConn) readable() bool {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	idleClean := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		idleClean = err == syscall.EAGAIN || err == syscall.EINTR
	})
	return err != nil || !idleClean
}
