//go:build !linux

package http1

// closeNotifier is Linux's. Elsewhere the background read notices a client that goes
// away.
type closeNotifier struct{}

func (*closeNotifier) close() {}

func (c *conn) registerCloseNotify() {}

func (c *conn) unregisterCloseNotify() {}
