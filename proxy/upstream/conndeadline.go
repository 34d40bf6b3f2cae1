package upstream

import "time"

// pastDeadline ends what waits for the connection now.
var pastDeadline = time.Unix(1, 0)

// abort ends what is under way on the connection, for good.
func (pc *persistConn) abort() { _ = pc.SetDeadline(pastDeadline) }

// reapplyAbort is called after a deadline was set, which may have undone an abort.
func (pc *persistConn) reapplyAbort() {
	if pc.canceler.canceled.Load() {
		pc.abort()
	}
}

// extendReadDeadline sets a deadline for reading: the timeout, or up to an eighth of it or
// two seconds more. Most requests find one that is still good enough: setting it
// costs as much as a small system call.
func (pc *persistConn) extendReadDeadline(now time.Time) {
	slack := min(time.Second, pc.timeout/16)
	least := now.Add(pc.timeout)
	if pc.readDeadline.Before(least) || pc.readDeadline.After(least.Add(2*slack)) {
		pc.setReadDeadline(least.Add(slack))
	}
}

// setReadDeadline sets the deadline for reading; zero: none.
func (pc *persistConn) setReadDeadline(t time.Time) {
	if pc.readDeadline.Equal(t) {
		return
	}
	pc.readDeadline = t
	_ = pc.SetReadDeadline(t)
	pc.reapplyAbort()
}

func (pc *persistConn) setWriteDeadline(t time.Time) {
	_ = pc.SetWriteDeadline(t)
	pc.reapplyAbort()
}
