package main

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"testing"
	"wxgate/internal/testkit"
)

func TestGCPercentLetsTheHeapReachItsGoal(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for c, want := range map[collection]int{
		{}:                                 maxGCPercent,
		{live: 3 * mib}:                    maxGCPercent,
		{live: 4 * mib}:                    700,
		{live: 8 * mib, roots: 1 * mib}:    266,
		{live: heapFloor / 2}:              100,
		{live: heapFloor}:                  100,
		{live: 1024 * mib}:                 100,
		{live: 30 * mib, roots: 30 * mib}:  50,
		{live: 30 * mib, roots: 400 * mib}: minGCPercent,
	} {
		if got := c.percent(); got != want {
			t.Errorf("%+v: %d, not %d", c, got, want)
		}
	}
}

// The test runs in a process of its own: GOGC applies to the whole process, and other
// tests' heap may be larger than the floor.
func TestTheHeapMayGrowToTheFloor(t *testing.T) {
	t.Parallel()
	const alone = "WXGATE_TEST_HEAP_FLOOR"
	if os.Getenv(alone) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestTheHeapMayGrowToTheFloor$")
		cmd.Env = append(os.Environ(), alone+"=1", "GOGC=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if goal := heapGoal(); goal >= heapFloor/2 {
		t.Fatalf("a goal of %d bytes: this heap is not small", goal)
	}
	stop := applyHeapFloor()
	testkit.Eventually(t, "the heap may grow to the floor", func() bool {
		goal := heapGoal()
		return goal >= heapFloor*3/4 && goal <= heapFloor*5/4
	})
	stop()
	if goal := heapGoal(); goal >= heapFloor/2 {
		t.Errorf("a goal of %d bytes after the end", goal)
	}
}

// heapGoal returns the heap size, in bytes, at which the next collection ends.
func heapGoal() uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
