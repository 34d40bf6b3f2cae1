package process

import "syscall"

// attributes give the program a process group of its own, so that its children
// end with it, and have the kernel kill it when this process dies without its
// clean-up, as by a panic or go test's time limit.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
