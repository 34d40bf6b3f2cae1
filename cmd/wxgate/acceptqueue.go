package main

import (
	"context"
	"net"
	"time"

	"go.uber.org/zap"
)

// openListener opens a TCP listener without Multipath TCP: dropHandshakes attaches a
// socket filter, which MPTCP sockets don't support.
func openListener(address string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), "tcp", address)
}

// acceptPause is how long the server may take to accept the connections that are
// already open.
const acceptPause = 250 * time.Millisecond

// emptyPublicQueue waits until the server has accepted the connections in the public
// listener's accept queue. Closing the listener would reset them, and a load balancer
// that has sent a POST on one can't repeat it. SYNs of new connections are dropped
// meanwhile; when they are retransmitted, the listener is closed and they are refused.
// It does nothing to a socket that systemd keeps open: the next process accepts the
// connections in its queue.
func (l *listeners) emptyPublicQueue() {
	if l.shared {
		return
	}
	if err := emptyAcceptQueue(l.publicLn); err != nil {
		l.p.log.Warn("connections opened while the listener is being closed may be reset", zap.Error(err))
	}
}

// emptyAcceptQueue drops new handshakes and waits until the server has accepted the
// connections that were open before.
func emptyAcceptQueue(ln net.Listener) error {
	if err := dropHandshakes(ln); err != nil {
		return err
	}
	time.Sleep(acceptPause)
	return nil
}
