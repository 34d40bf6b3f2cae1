package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"

	"wxgate/internal/testkit/process"
)

const wxgate = "wxgate"

// startWxgate starts one gateway that logs each request, as it does by default,
// and one that doesn't, each with a Redis of its own.
func (c *comparison) startWxgate(ctx context.Context) error {
	for _, logs := range []bool{false, true} {
		name := withLog(wxgate, logs)
		if !c.wanted(name) {
			continue
		}
		redis, port, err := c.startRedis(ctx)
		if err != nil {
			return err
		}
		level := map[bool]string{false: "warn", true: "info"}[logs]
		g, err := c.r.Gateway(ctx, fmt.Sprintf("log: {level: %s}\nredis: {addrs: [%q]}\nroutes: [{path: /, upstreams: [%q]}]\n",
			level, fmt.Sprintf("127.0.0.1:%d", port), "http://"+c.backend), nil)
		if err != nil {
			return err
		}
		token, _, err := g.Login(ctx, http.DefaultClient, "alice")
		if err != nil {
			return err
		}
		c.peers = append(c.peers, &peer{
			name: name, address: g.Address, token: token, authenticates: true, identifies: true, logs: logs,
			processes: []*process.Process{g.Process, redis},
		})
	}
	return nil
}

// startRedis starts a redis-server that keeps nothing on disk.
func (c *comparison) startRedis(ctx context.Context) (*process.Process, int, error) {
	port, err := c.r.Port()
	if err != nil {
		return nil, 0, err
	}
	p, err := c.r.Start("redis", exec.Command("redis-server", "--port", strconv.Itoa(port.Number), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", c.r.Dir))
	if err != nil {
		return nil, 0, err
	}
	return p, port.Number, p.Listening(ctx, "tcp", port.Addr())
}
