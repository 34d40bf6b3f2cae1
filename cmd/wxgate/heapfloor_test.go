package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

func TestGCPercentLetsASmallHeapReachTheFloor(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0: maxGCPercent, 3 << 20: maxGCPercent, 4 << 20: 700, 8 << 20: 300, 12 << 20: 150,
		heapFloor / 2: 100, heapFloor: 100, 1 << 30: 100,
	} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d MiB: %d, not %d", live>>20, got, want)
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
