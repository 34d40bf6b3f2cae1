//go:build !linux

package process

import "syscall"

// attributes give the program a process group of its own. Only Linux can kill it
// when this process dies without its clean-up.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
