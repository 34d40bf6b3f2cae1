package process_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/process"
)

func start(t *testing.T, script string) *process.Process {
	t.Helper()
	p, err := process.Start("sh", filepath.Join(t.TempDir(), "log"), exec.Command("sh", "-c", script))
	testkit.Must(t, err)
	t.Cleanup(p.Kill)
	return p
}

func TestExitCodeIsReported(t *testing.T) {
	t.Parallel()
	p := start(t, "exit 3")
	<-p.Exited()
	if got := p.ExitCode(); got != 3 {
		t.Errorf("exit status %d", got)
	}
}

func TestKillEndsTheChildrenToo(t *testing.T) {
	t.Parallel()
	p := start(t, `sleep 1000 & echo child $!; trap '' TERM; wait; wait`)
	child, err := p.Printed(t.Context(), `child (\d+)`)
	testkit.Must(t, err)
	pid, err := strconv.Atoi(child)
	testkit.Must(t, err)
	p.Kill()
	testkit.Eventually(t, "child exited", func() bool { return syscall.Kill(pid, 0) != nil || zombie(pid) })
}

// zombie reports whether the process has exited and its parent hasn't waited for it.
func zombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z")
}

func TestAwaitReportsAnEarlyExitWithTheOutput(t *testing.T) {
	t.Parallel()
	p := start(t, "echo no such thing; exit 1")
	_, err := p.Printed(t.Context(), `ready at (\S+)`)
	if err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("error %v", err)
	}
}
