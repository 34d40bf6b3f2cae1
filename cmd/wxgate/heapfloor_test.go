package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
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

// Not parallel: GOGC is the whole process's.
func TestHeapFloorSavesCollections(t *testing.T) {
	if without := collections(t); without < 8 {
		t.Fatalf("%d collections for 64 MiB of garbage: this heap is not small", without)
	}
	stop := applyHeapFloor()
	defer stop()
	runtime.GC()
	if with := collections(t); with > 6 {
		t.Errorf("%d collections for 64 MiB of garbage", with)
	}
}

var garbage []byte

// collections counts those that 64 MiB of garbage cause.
func collections(t *testing.T) uint64 {
	t.Helper()
	count := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/cycles/automatic:gc-cycles"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before := count()
	for range 64 << 10 {
		garbage = make([]byte, 1<<10)
	}
	return count() - before
}
