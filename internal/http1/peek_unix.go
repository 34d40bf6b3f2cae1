//go:build unix

package http1

import "syscall"

// canPeek: a connection can be waited for without a buffer.
const canPeek = true

// readFD reads from a descriptor that does not block.
func readFD(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return n, err
		}
	}
}
