//go:build !unix

package upstream

import (
	"net"
	"syscall"
)

// rawConnOf: here a connection can't be looked at without waiting.
func rawConnOf(net.Conn) syscall.RawConn { return nil }

func rawRead(uintptr, []byte) (int, error)  { return 0, syscall.EINVAL }
func rawWrite(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }
