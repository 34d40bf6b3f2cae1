package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// heapFloor is the size that the heap may reach before it is collected, however
// little of it is in use. Go would collect a small gateway's heap of a few MiB
// dozens of times a second under load.
const heapFloor = 32 << 20

const (
	defaultGCPercent = 100

	// maxGCPercent makes the runtime's own least heap, 4 MiB at a GOGC of 100, the
	// floor.
	maxGCPercent = heapFloor / (4 << 20) * 100
)

// gcTuner sets GOGC after each collection, so that the next one comes at
// heapFloor, or at twice the live heap where that is more.
type gcTuner struct {
	percent int
	stopped atomic.Bool
}

// keepHeapFloor sets the floor until stop is called. An operator's GOGC holds, and
// so does GOMEMLIMIT: the runtime collects earlier where memory is short.
func keepHeapFloor() (stop func()) {
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

// collected is unreachable at once: its cleanup runs after the next collection. It
// holds pointers, since the allocator could put one without into one block with objects
// that live on.
type collected struct{ _ [4]*byte }

func (t *gcTuner) adjust(struct{}) {
	if t.stopped.Load() {
		return
	}
	if percent := gcPercent(liveHeap()); percent != t.percent {
		t.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.AddCleanup(new(collected), t.adjust, struct{}{})
}

// liveHeap is what the last collection has left.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// gcPercent gives the GOGC that lets a live heap grow to the floor, in steps of
// 50: to set it stops the program for a moment.
func gcPercent(live uint64) int {
	if live >= heapFloor/2 {
		return defaultGCPercent
	}
	percent := (heapFloor - live) * 100 / max(live, 1)
	return min(int(percent)/50*50, maxGCPercent)
}
