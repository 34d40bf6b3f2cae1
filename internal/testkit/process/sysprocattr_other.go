//go:build !linux

package process

import "syscall"

// sysProcAttr starts the program in its own process group. Only Linux can kill the
// program when this process ends without cleaning up.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
