package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
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

	// minGCPercent bounds the collector's work if the stacks are larger than the heap.
	minGCPercent = 25
)

// gcTuner sets GOGC after each collection, so that the next one starts when the heap
// reaches heapFloor, or twice the live heap if that is more.
//
// A fixed GOGC of 100 lets the heap grow by the size of the stacks and globals too: for
// 10,000 idle WebSockets, whose memory is mostly stacks, to four times the live heap.
type gcTuner struct {
	mu      sync.Mutex
	percent int
	stopped bool
}

// applyHeapFloor applies heapFloor until stop is called. It does nothing if GOGC is
// set. GOMEMLIMIT still applies: the runtime collects earlier near that limit.
func applyHeapFloor() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	t := &gcTuner{percent: defaultGCPercent}
	t.adjust(struct{}{})
	return t.stop
}

// gcSentinel is unreachable from the start, so that its cleanup runs after the next
// collection. It has pointers: the allocator could place a small object without
// pointers in one block with reachable objects, which would keep it alive.
type gcSentinel struct{ _ [4]*byte }

func (t *gcTuner) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	debug.SetGCPercent(defaultGCPercent)
}

// adjust sets GOGC for the next collection, and registers itself to be called after it.
func (t *gcTuner) adjust(struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	if percent := lastCollection().percent(); differsByAnEighth(percent, t.percent) {
		t.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.AddCleanup(new(gcSentinel), t.adjust, struct{}{})
}

// differsByAnEighth reports whether a differs from b by more than an eighth of b.
// SetGCPercent stops the program for a moment: smaller differences aren't worth it.
func differsByAnEighth(a, b int) bool { return 8*max(a-b, b-a) > b }

// collection is what the collector has found, in bytes.
type collection struct {
	live  uint64 // heap
	roots uint64 // used stacks, and globals
}

// lastCollection reads what the last collection has found.
func lastCollection() collection {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	return collection{live: samples[0].Value.Uint64(), roots: samples[1].Value.Uint64() + samples[2].Value.Uint64()}
}

// percent returns the GOGC that lets the heap grow to heapFloor, or to twice the live
// heap. The collector starts at live + (live+roots)*GOGC/100 (runtime/mgcpacer.go).
func (c collection) percent() int {
	growth := c.live
	if c.live < heapFloor/2 {
		growth = heapFloor - c.live
	}
	percent := growth * 100 / max(c.live+c.roots, 1)
	return int(min(max(percent, minGCPercent), maxGCPercent))
}
