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

// acceptPause is how long drainAcceptQueue lets the server accept connections that
// are already open.
const acceptPause = 250 * time.Millisecond

// emptyAcceptQueue lets the public listener's accept queue run empty before the
// listener is closed: the kernel would reset the connections in it, and a load
// balancer that has sent a POST on one can't repeat it. SYNs of new connections are
// dropped meanwhile; when they are retransmitted the listener is closed and they are
// refused. A socket that systemd keeps open is left alone: the next process serves
// its queue.
func (l *listeners) emptyAcceptQueue() {
	if l.shared {
		return
	}
	if err := drainAcceptQueue(l.publicLn); err != nil {
		l.p.log.Warn("connections opened while the listener is being closed may be reset", zap.Error(err))
	}
}

// drainAcceptQueue drops new handshakes and waits until the server has accepted the
// connections that were open before.
func drainAcceptQueue(ln net.Listener) error {
	if err := dropHandshakes(ln); err != nil {
		return err
	}
	time.Sleep(acceptPause)
	return nil
}
