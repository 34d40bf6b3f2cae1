//go:build !unix

package upstream

// readable is false if the socket can't be examined. http.Transport's reader notices a
// close or bytes a moment later.
func (c *trackedConn) readable() bool { return false }
