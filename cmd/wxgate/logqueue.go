package main

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// logQueueBytes bounds the queue: some seconds of a busy gateway's log.
	logQueueBytes = 4 << 20

	// logFlushInterval is how long lines are collected before they are written,
	// which saves a system call for each request. logBatchBytes are written at once.
	logFlushInterval = 50 * time.Millisecond
	logBatchBytes    = 64 << 10

	// logCloseTimeout bounds how long close waits for the log's reader.
	logCloseTimeout = time.Second
)

// logQueue is an asynchronous writer in front of one that may block: standard output
// may be a pipe whose reader stops reading or exits. Write never blocks on it. Lines
// are dropped and counted if the queue is full or the writer returns an error.
type logQueue struct {
	out     io.Writer
	dropped prometheus.Counter

	mu          sync.Mutex
	pending     []byte
	held        []byte // lines held back until writeFirst or release
	holdingBack bool
	closed      bool

	notEmpty  chan struct{} // signals that there is something to write
	batchFull chan struct{} // signals logBatchBytes, or that the queue is closed
	done      chan struct{} // closed when everything has been written
}

func newLogQueue(out io.Writer) *logQueue {
	q := &logQueue{
		out: out,
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wxgate_log_lines_dropped_total", Help: "Log lines that were dropped because standard output blocked or failed.",
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

// add appends lines to the queue, or to those that are held back; mu is held.
func (q *logQueue) add(lines []byte) {
	switch {
	case q.closed || len(q.pending)+len(q.held)+len(lines) > logQueueBytes:
		q.dropped.Inc()
		return
	case q.holdingBack:
		q.held = append(q.held, lines...)
		return
	}
	q.pending = append(q.pending, lines...)
	notify(q.notEmpty)
	if len(q.pending) >= logBatchBytes {
		notify(q.batchFull)
	}
}

// holdBack holds lines back until writeFirst or release.
func (q *logQueue) holdBack() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holdingBack = true
}

// writeFirst queues a line, followed by those that were held back.
func (q *logQueue) writeFirst(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holdingBack = false
	q.add(line)
	q.releaseHeld()
	return len(line), nil
}

// release queues the lines that were held back.
func (q *logQueue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holdingBack = false
	q.releaseHeld()
}

// releaseHeld queues the lines that were held back; mu is held.
func (q *logQueue) releaseHeld() {
	held := q.held
	if q.held = nil; len(held) > 0 {
		q.add(held)
	}
}

// Sync does nothing: writing the queue could block. zapcore.WriteSyncer requires it.
func (q *logQueue) Sync() error { return nil }

// notify sends a signal without blocking: one that is pending already is enough.
func notify(c chan struct{}) {
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
		if cap(spare) > 2*logBatchBytes {
			spare = nil // free the memory of a load peak
		}
		if closed {
			return
		}
	}
}

// awaitBatch waits until a batch is full, or for logFlushInterval.
func awaitBatch(full <-chan struct{}) {
	timer := time.NewTimer(logFlushInterval)
	defer timer.Stop()
	select {
	case <-full:
	case <-timer.C:
	}
}

// swap returns the queued lines and makes spare the buffer of the next ones.
func (q *logQueue) swap(spare []byte) (lines []byte, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines, q.pending = q.pending, spare
	return lines, q.closed
}

// close writes the queued lines, for logCloseTimeout at most. Later lines are
// dropped.
func (q *logQueue) close() {
	q.release()
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	notify(q.batchFull)
	notify(q.notEmpty)
	select {
	case <-q.done:
	case <-time.After(logCloseTimeout):
	}
}
