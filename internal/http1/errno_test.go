package http1_test

import (
	"os"
	"syscall"
)

var errTooManyFiles = os.NewSyscallError("accept4", syscall.EMFILE)
