package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
)

// CheckTarget checks one target once, as an active check does: it connects, with TLS
// if the target has it, and sends a GET if h.Path is set. It waits at
// most h.Timeout. Without a path it can't see that a target refuses the client certificate: in
// TLS 1.3 the refusal follows the handshake.
func CheckTarget(ctx context.Context, c Target, h Health) error {
	config := Config{Targets: []Target{c}, Health: h}.withDefaults()
	t, err := newTarget(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, config.Health.Timeout)
	defer cancel()
	if config.Health.Path == "" {
		return t.checkConnect(ctx)
	}
	ep := newEndpoint(t, unresolvedAddress(t), config)
	return newHealthChecker(&Group{config: config}, ep).sendCheck(ctx)
}

// checkConnect opens a connection and closes it.
func (t *target) checkConnect(ctx context.Context) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", t.hostPort(t.URL.Hostname()))
	if err != nil {
		return err
	}
	defer c.Close()
	if t.tls == nil {
		return nil
	}
	config := t.tls.Clone()
	config.ServerName = cmp.Or(config.ServerName, t.URL.Hostname())
	return tls.Client(c, config).HandshakeContext(ctx)
}
