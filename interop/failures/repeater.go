package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"wxgate/interop/rig"
)

// startRepeater starts an HAProxy in front of gateways and returns its base URL. When a
// connection closes without a byte of a response, HAProxy sends the request again, POSTs
// too, up to three times.
func startRepeater(ctx context.Context, r *rig.Rig, gateways ...*rig.Gateway) (string, error) {
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
