package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
)

// CheckTarget tries one target as an active check would: it connects, with TLS where
// the target has it, and where h.Path is set asks for it. It takes h.Timeout at
// most. Without a path a client certificate that the target refuses may go
// unnoticed: TLS 1.3 tells of it later.
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

// connect opens a connection and earlyClose it again.
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
