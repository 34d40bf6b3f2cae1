package upstream

import (
	"context"
	"net"
	"time"
)

const dialTimeout = 5 * time.Second

// dialer returns a DialContext that ignores its address: it tries dialAddrs in turn and
// returns the first connection, wrapped.
func dialer(dialAddrs []string, timeout time.Duration, wrap func(net.Conn) net.Conn) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		for _, addr := range dialAddrs {
			if c, err = d.DialContext(ctx, network, addr); err == nil {
				return wrap(c), nil
			}
		}
		return nil, err
	}
}
