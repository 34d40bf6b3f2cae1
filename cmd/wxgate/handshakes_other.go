//go:build !linux

package main

import "net"

// dropHandshakes does nothing: it is implemented for Linux only. Elsewhere a
// connection that is opened while the listener is being closed may be reset.
func dropHandshakes(net.Listener) error { return nil }
