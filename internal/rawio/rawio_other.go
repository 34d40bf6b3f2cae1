//go:build !unix

package rawio

import (
	"net"
	"syscall"
)

// ConnOf returns nil: on this system reads and writes always wait.
func ConnOf(net.Conn) syscall.RawConn { return nil }

// Read is never called.
func Read(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }

// Write is never called.
func Write(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }
