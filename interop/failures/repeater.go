package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"wxgate/interop/rig"
)

// repeater starts an HAProxy in front of gateways that sends a request up to three times
// more where the connection closes without a byte, POSTs too. It gives its base URL.
func repeater(ctx context.Context, r *rig.Rig, gateways ...*rig.Gateway) (string, error) {
	port, err := r.Port()
	if err != nil {
		return "", err
	}
	var config strings.Builder
	fmt.Fprintf(&config, `defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
listen public
    bind %s
    balance roundrobin
`, port.Addr())
	for i, g := range gateways {
		fmt.Fprintf(&config, "    server gateway%d %s\n", i, g.Address)
	}
	name := fmt.Sprintf("repeater%d.cfg", port.Number)
	file, err := r.Write(name, config.String())
	if err != nil {
		return "", err
	}
	p, err := r.Start("haproxy", exec.Command("haproxy", "-f", file))
	if err != nil {
		return "", err
	}
	return "http://" + port.Addr(), p.Listening(ctx, "tcp", port.Addr())
}
