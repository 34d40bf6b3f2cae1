//go:build !unix

package rawio

import (
	"net"
	"syscall"
)

// ConnOf: here a connection can't be looked at without waiting.
func ConnOf(net.Conn) syscall.RawConn { return nil }

// Read is never called.
func Read(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }

// Write is never called.
func Write(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }
