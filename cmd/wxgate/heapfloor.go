package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// heapFloor is the heap size below which no garbage collection is started. By
// default Go would collect a small gateway's heap of a few MiB dozens of times a
// second under load.
const heapFloor = 32 << 20

const (
	defaultGCPercent = 100

	// maxGCPercent raises the runtime's minimum heap size, 4 MiB at a GOGC of 100,
	// to heapFloor.
	maxGCPercent = heapFloor / (4 << 20) * 100
)

// gcTuner sets GOGC after each collection, so that the next one starts at heapFloor
// or at twice the live heap, whichever is larger.
type gcTuner struct {
	percent int
	stopped atomic.Bool
}

// applyHeapFloor applies heapFloor until stop is called. It does nothing if GOGC is
// set. GOMEMLIMIT still applies: the runtime collects earlier near that limit.
func applyHeapFloor() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	t := &gcTuner{percent: defaultGCPercent}
	t.adjust(struct{}{})
	return func() {
		t.stopped.Store(true)
		debug.SetGCPercent(defaultGCPercent)
	}
}

// gcSentinel is unreachable from the start, so that its cleanup runs after the next
// collection. It has pointers: the allocator could place a small object without
// pointers in one block with reachable objects, which would keep it alive.
type gcSentinel struct{ _ [4]*byte }

func (t *gcTuner) adjust(struct{}) {
	if t.stopped.Load() {
		return
	}
	if percent := gcPercent(liveHeap()); percent != t.percent {
		t.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.AddCleanup(new(gcSentinel), t.adjust, struct{}{})
}

// liveHeap returns the heap in use after the last collection, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// gcPercent returns the GOGC at which a live heap may grow to heapFloor, in steps
// of 50: setting it stops the world, so small changes are not worth it.
func gcPercent(live uint64) int {
	if live >= heapFloor/2 {
		return defaultGCPercent
	}
	percent := (heapFloor - live) * 100 / max(live, 1)
	return min(int(percent)/50*50, maxGCPercent)
}
