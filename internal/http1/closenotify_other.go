//go:build !linux

package http1

// closeNotifier exists on Linux only. Elsewhere the background read detects a client
// that disconnects.
type closeNotifier struct{}

func (*closeNotifier) close() {}

func (c *conn) registerCloseNotify() {}

func (c *conn) unregisterCloseNotify() {}
