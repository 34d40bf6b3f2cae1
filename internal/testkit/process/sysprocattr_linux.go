package process

import "syscall"

// sysProcAttr starts the program in its own process group, so that its children can
// be killed with it. Pdeathsig has the kernel kill the program when this process
// ends without cleaning up, as after a panic or at the time limit of go test.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
