//go:build unix

package upstream

import (
	"syscall"
)

// readable reports whether the socket is readable: the target has closed the connection
// or sent bytes, which http.Transport's reader may not have noticed yet.
func (c *trackedConn) readable() bool {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	empty := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		empty = err == syscall.EAGAIN || err == syscall.EINTR
	})
	return err != nil || !empty
}
