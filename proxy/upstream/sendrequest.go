package upstream

import (
	"errors"
	"io"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

// errStaleConn says that a connection is closed, or has received something, before
// anything was written to it.
var errStaleConn = errors.New("the connection was closed, or spoke first")

// send writes a request whole and waits for the first bytes of its response.
//
// A connection that has received anything before is not used: that would be taken
// for the response. Looking costs nothing: the read that has to come back empty
// before the runtime waits for the response is made before the request is written.
func (pc *persistConn) send(out []byte) error {
	pc.out = out
	err := pc.runSend()
	pc.out = nil
	if err != nil || pc.w > 0 {
		return err
	}
	return pc.fill()
}

func (pc *persistConn) runSend() error {
	pc.r, pc.w = 0, 0
	pc.waiting, pc.sendErr = false, nil
	if pc.raw == nil {
		return pc.writeRest()
	}
	if err := pc.raw.Read(pc.step); err != nil {
		return err
	}
	if pc.sendErr != nil {
		return pc.sendErr
	}
	return pc.writeRest()
}

// sendStep is called with the descriptor, and again each time that it becomes
// readable after it has returned false.
func (pc *persistConn) sendStep(fd uintptr) bool {
	if pc.waiting {
		return pc.receive(fd)
	}
	if _, err := rawio.Read(fd, pc.buf); !errors.Is(err, syscall.EAGAIN) {
		pc.sendErr = errStaleConn
		return true
	}
	if len(pc.out) == 0 {
		return true
	}
	n, err := rawio.Write(fd, pc.out)
	pc.written.Store(int64(n))
	pc.sendErr = err
	pc.waiting = err == nil && n == len(pc.out)
	return !pc.waiting
}

func (pc *persistConn) receive(fd uintptr) bool {
	n, err := rawio.Read(fd, pc.buf)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err != nil:
		pc.sendErr = err
	case n == 0:
		pc.sendErr = io.EOF
	}
	pc.w = max(n, 0)
	pc.received = pc.w > 0
	return true
}

// writeRest writes what the network's buffers had no room for.
func (pc *persistConn) writeRest() error {
	sent := int(pc.written.Load())
	if sent >= len(pc.out) {
		return nil
	}
	pc.setWriteDeadline(time.Now().Add(pc.timeout))
	n, err := pc.Write(pc.out[sent:])
	pc.written.Add(int64(n))
	return err
}
