package main

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// logQueueBytes bounds the lines that wait to be written: some seconds of
	// a busy gateway's.
	logQueueBytes = 4 << 20

	// logFlush is how long lines are collected, which saves a system call a
	// request; logBatch are written sooner.
	logFlush = 50 * time.Millisecond
	logBatch = 64 << 10

	// logCloseLimit is how long a stop waits for the log's reader.
	logCloseLimit = time.Second
)

// logQueue passes lines on to a writer that may block: standard output is a pipe,
// whose reader may stop or end. Write never waits for it. Lines that find the queue full,
// and those that the writer refuses, are dropped and counted.
type logQueue struct {
	out     io.Writer
	dropped prometheus.Counter

	mu      sync.Mutex
	pending []byte
	held    []byte // lines that wait for writeFirst or release
	holding bool
	closed  bool

	notEmpty  chan struct{} // there is something to write
	batchFull chan struct{} // there is enough to write at once, or the queue closes
	done      chan struct{} // all has been written
}

func newLogQueue(out io.Writer) *logQueue {
	q := &logQueue{
		out: out,
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wxgate_log_lines_dropped_total", Help: "Log lines that were lost because the log's reader did not take them.",
		}),
		notEmpty: make(chan struct{}, 1), batchFull: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go q.run()
	return q
}

// Write queues one line.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(line)
	return len(line), nil
}

// add is called with mu held.
func (q *logQueue) add(line []byte) {
	switch {
	case q.closed || len(q.pending)+len(q.held)+len(line) > logQueueBytes:
		q.dropped.Inc()
		return
	case q.holding:
		q.held = append(q.held, line...)
		return
	}
	q.pending = append(q.pending, line...)
	wake(q.notEmpty)
	if len(q.pending) >= logBatch {
		wake(q.batchFull)
	}
}

// hold keeps lines back, so that another can become the first.
func (q *logQueue) hold() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holding = true
}

// writeFirst queues a line ahead of those that are held back, and them after it.
func (q *logQueue) writeFirst(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holding = false
	q.add(line)
	q.releaseHeld()
	return len(line), nil
}

// release queues the lines that are held back.
func (q *logQueue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holding = false
	q.releaseHeld()
}

// releaseHeld is called with mu held.
func (q *logQueue) releaseHeld() {
	held := q.held
	if q.held = nil; len(held) > 0 {
		q.add(held)
	}
}

// Sync does nothing: to wait for the reader is what the queue is there to avoid.
func (q *logQueue) Sync() error { return nil }

// wake never blocks: one signal is enough.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (q *logQueue) run() {
	defer close(q.done)
	var spare []byte
	for range q.notEmpty {
		awaitBatch(q.batchFull)
		lines, closed := q.swap(spare[:0])
		if _, err := q.out.Write(lines); err != nil {
			q.dropped.Add(float64(bytes.Count(lines, []byte("\n"))))
		}
		spare = lines
		if cap(spare) > 2*logBatch {
			spare = nil // it grew under load
		}
		if closed {
			return
		}
	}
}

// awaitBatch waits until there are enough lines, or for logFlush.
func awaitBatch(enough <-chan struct{}) {
	timer := time.NewTimer(logFlush)
	defer timer.Stop()
	select {
	case <-enough:
	case <-timer.C:
	}
}

// swap gives the queued lines and has the next ones written to spare.
func (q *logQueue) swap(spare []byte) (lines []byte, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines, q.pending = q.pending, spare
	return lines, q.closed
}

// close writes what is queued, unless the reader doesn't take it.
func (q *logQueue) close() {
	q.release()
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	wake(q.batchFull)
	wake(q.notEmpty)
	select {
	case <-q.done:
	case <-time.After(logCloseLimit):
	}
}
