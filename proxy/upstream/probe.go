package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
)

// Probe tries one target as an active check would: it connects, with TLS where
// the target has it, and where h.Path is set asks for it. It takes h.Timeout at
// most. Without a path a client certificate that the target refuses may go
// unnoticed: TLS 1.3 tells of it later.
func Probe(ctx context.Context, c Target, h Health) error {
	config := Config{Targets: []Target{c}, Health: h}.withDefaults()
	t, err := newTarget(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, config.Health.Timeout)
	defer cancel()
	if config.Health.Path == "" {
		return t.connect(ctx)
	}
	ep := newEndpoint(t, unresolved(t), config)
	return newChecker(&Group{config: config}, ep).probe(ctx)
}

// connect opens a connection and closes it again.
func (t *target) connect(ctx context.Context) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", t.address(t.URL.Hostname()))
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
