//go:build unix

package main

import "syscall"

// reservedDescriptors are for the private listener, Redis, WeChat, files.
const reservedDescriptors = 128

// maxConnections gives the most connections of the public listener: as many as
// configured, or as many as the process has descriptors for. A connection can
// take two, one of them to its backend. Go has raised the soft limit to the hard
// one by now.
func maxConnections(configured int) int {
	var limit syscall.Rlimit
	if configured > 0 || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return configured
	}
	const unlimited = 1 << 30
	descriptors := int(min(uint64(limit.Cur), unlimited))
	return max((descriptors-reservedDescriptors)/2, descriptors/4)
}
