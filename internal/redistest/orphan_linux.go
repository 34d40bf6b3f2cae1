package redistest

import "syscall"

// dieWithParent has the kernel kill the server when the test binary dies
// without its clean-up, as by a panic or go test's time limit.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
