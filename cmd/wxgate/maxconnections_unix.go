//go:build unix

package main

import "syscall"

// reservedDescriptors is how many descriptors the private listener, Redis, WeChat
// and files need.
const reservedDescriptors = 128

// maxConnections returns the connection limit of the public listener: the
// configured one, or the number for which the process has descriptors. A
// connection may need two, the second for its backend. The Go runtime has raised
// the soft limit to the hard limit already.
func maxConnections(configured int) int {
	var limit syscall.Rlimit
	if configured > 0 || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return configured
	}
	const unlimited = 1 << 30
	descriptors := int(min(uint64(limit.Cur), unlimited))
	return max((descriptors-reservedDescriptors)/2, descriptors/4)
}
