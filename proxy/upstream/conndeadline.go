package upstream

import "time"

// pastDeadline makes pending reads and writes return at once.
var pastDeadline = time.Unix(1, 0)

// abort ends pending reads and writes on the connection, and all further ones.
func (pc *persistConn) abort() { _ = pc.SetDeadline(pastDeadline) }

// reapplyAbort is called after each change of a deadline, which may have undone an
// abort.
func (pc *persistConn) reapplyAbort() {
	if pc.canceler.canceled.Load() {
		pc.abort()
	}
}

// extendReadDeadline makes reads time out after pc.timeout, or up to 2*slack later. It sets
// the deadline only if the current one is outside that range: setting it costs as much as
// a small system call, and most requests find one that can stay.
func (pc *persistConn) extendReadDeadline(now time.Time) {
	slack := min(time.Second, pc.timeout/16)
	earliest := now.Add(pc.timeout)
	if pc.readDeadline.Before(earliest) || pc.readDeadline.After(earliest.Add(2*slack)) {
		pc.setReadDeadline(earliest.Add(slack))
	}
}

// setReadDeadline sets the deadline for reading. Zero: none.
func (pc *persistConn) setReadDeadline(t time.Time) {
	if pc.readDeadline.Equal(t) {
		return
	}
	pc.readDeadline = t
	_ = pc.SetReadDeadline(t)
	pc.reapplyAbort()
}

// setWriteDeadline sets the deadline for writing. Zero: none.
func (pc *persistConn) setWriteDeadline(t time.Time) {
	_ = pc.SetWriteDeadline(t)
	pc.reapplyAbort()
}
