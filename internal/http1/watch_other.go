//go:build !linux

package http1

// watcher is Linux's. Elsewhere the background read notices a client that goes
// away.
type watcher struct{}

func (*watcher) close() {}

func (c *conn) watchClient() {}

func (c *conn) unwatch() {}
