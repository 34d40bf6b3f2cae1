//go:build unix

package upstream

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const inChildProcess = "UPSTREAM_TEST_OUT_OF_DESCRIPTORS"

// The limit on descriptors is that of the process, so the test runs in a child process.
func TestRunningOutOfDescriptorsIsNoFailureOfTheTarget(t *testing.T) {
	t.Parallel()
	if os.Getenv(inChildProcess) != "" {
		requestWithoutDescriptors(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), inChildProcess+"=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func requestWithoutDescriptors(t *testing.T) {
	backend, u := serveCounting(t, "a")
	g, healthChecker := groupWithChecker(t, Health{Unhealthy: 1, Timeout: time.Second}, u)
	g.endpoints[0].ejection.config = Eject{Failures: 1, For: time.Minute}
	restore := useUpDescriptors(t)
	r := get(t, g, "/")
	healthChecker.check(t.Context())
	restore()
	if s := g.Status()[0]; !errors.Is(r.err, ErrOverloaded) || !s.Available() || s.LastFailure != "" {
		t.Errorf("error is %v, %+v", r.err, s)
	}
	if r := get(t, g, "/"); r.err != nil || backend.requests.Load() != 1 {
		t.Errorf("afterwards: %v", r.err)
	}
}

// useUpDescriptors opens files until the process has no descriptor left. restore closes
// them.
func useUpDescriptors(t *testing.T) (restore func()) {
	t.Helper()
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 64
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var used []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		used = append(used, f)
	}
	return func() {
		for _, f := range used {
			f.Close()
		}
	}
}

func TestLocalExhaustionDiffersFromRefusal(t *testing.T) {
	t.Parallel()
	for err, local := range map[error]bool{
		syscall.EMFILE: true, syscall.ENFILE: true, syscall.EADDRNOTAVAIL: true, syscall.ENOBUFS: true, syscall.ENOMEM: true,
		syscall.ECONNREFUSED: false, syscall.ETIMEDOUT: false, syscall.EHOSTUNREACH: false, os.ErrDeadlineExceeded: false,
	} {
		if got := isLocalExhaustion(&os.SyscallError{Syscall: "connect", Err: err}); got != local {
			t.Errorf("%v: %v", err, got)
		}
	}
}
