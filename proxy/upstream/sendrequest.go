package upstream

import (
	"errors"
	"io"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

// errStaleConn is returned for an idle connection that the target has closed or sent
// bytes on, before anything was written to it.
var errStaleConn = errors.New("idle connection closed by the target, or unexpected data on it")

// send writes a whole request and waits for the first bytes of the response.
//
// A connection on which bytes were received before is not used: they would be read as
// the response. This check costs no additional system call: the runtime can wait for the
// response only after a read that returned no bytes, and that read is made before the
// request is written.
func (pc *persistConn) send(out []byte) error {
	pc.out = out
	err := pc.runSend()
	pc.out = nil
	if err != nil || pc.w > 0 {
		return err
	}
	return pc.fill()
}

// runSend runs sendOrReceive until it returns true, and then writes the part of pc.out that
// sendOrReceive could not write.
func (pc *persistConn) runSend() error {
	pc.r, pc.w = 0, 0
	pc.requestSent, pc.sendErr = false, nil
	if pc.raw == nil {
		return pc.writeRest()
	}
	if err := pc.raw.Read(pc.rawReadFunc); err != nil {
		return err
	}
	if pc.sendErr != nil {
		return pc.sendErr
	}
	return pc.writeRest()
}

// sendOrReceive is the callback of pc.raw.Read, which calls it at once, and again each
// time that the descriptor becomes readable, until it returns true. The first call checks
// the connection and writes pc.out. Further calls receive.
func (pc *persistConn) sendOrReceive(fd uintptr) bool {
	if pc.requestSent {
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
	pc.requestSent = err == nil && n == len(pc.out)
	return !pc.requestSent
}

// receive reads the first bytes of the response. It returns false if there are none
// yet.
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

// writeRest writes the part of pc.out that sendOrReceive has not written, since the socket's
// buffer was full.
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
