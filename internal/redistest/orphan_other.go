//go:build !linux

package redistest

import "syscall"

// dieWithParent is known to Linux only; elsewhere a test that panics leaves its
// server behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
