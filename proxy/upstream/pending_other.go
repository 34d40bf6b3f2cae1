//go:build !unix

package upstream

// pending can't be told here; the reader notices a moment later.
func (c *conn) pending() bool { return false }
