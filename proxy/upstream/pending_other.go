//go:build !unix

package upstream

// pending is unknown here; the reader notices a moment later.
func (c *trackedConn) readable() bool { return false }
