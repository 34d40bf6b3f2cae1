package main

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

var handingOver = regexp.MustCompile(`"handing over","pid":(\d+)`)

// handOver sends SIGUSR2 to the current process and waits until it has named its successor
// and started to drain.
func (t *restartRun) handOver(ctx context.Context) error {
	before := len(handingOver.FindAllString(t.program.Output(), -1))
	stopped := strings.Count(t.program.Output(), `"draining"`)
	if err := syscall.Kill(t.pid, syscall.SIGUSR2); err != nil {
		return err
	}
	return t.await(ctx, func() bool {
		found := handingOver.FindAllStringSubmatch(t.program.Output(), -1)
		if len(found) == before || strings.Count(t.program.Output(), `"draining"`) == stopped {
			return false
		}
		t.pid, _ = strconv.Atoi(found[before][1])
		return true
	})
}

// killSuccessors kills the processes that the gateway itself started.
func (t *restartRun) killSuccessors() {
	for _, found := range handingOver.FindAllStringSubmatch(t.program.Output(), -1) {
		if pid, err := strconv.Atoi(found[1]); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
