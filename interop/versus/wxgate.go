package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"

	"wxgate/internal/testkit/process"
)

const (
	wxgate = "wxgate"
	traced = "wxgate, 1 % of requests traced"
)

// startWxgate starts three gateways, each with its own Redis: without an access log, with
// one (the default), and with spans that are sent to a collector.
func (c *comparison) startWxgate(ctx context.Context) error {
	for _, g := range []struct {
		name, config string
		logs         bool
	}{
		{wxgate, "log: {level: warn}", false},
		{withLog(wxgate, true), "log: {level: info}", true},
		{traced, "log: {level: warn}", false},
	} {
		if !c.wanted(g.name) {
			continue
		}
		if g.name == traced {
			_, collector, err := c.startSelf(ctx, "collector", "-")
			if err != nil {
				return err
			}
			g.config += fmt.Sprintf("\ntracing: {endpoint: %q, sample: 0.01}", "http://"+collector)
		}
		if err := c.startGateway(ctx, g.name, g.config, g.logs); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) startGateway(ctx context.Context, name, config string, logs bool) error {
	redis, port, err := c.startRedis(ctx)
	if err != nil {
		return err
	}
	g, err := c.rig.Gateway(ctx, fmt.Sprintf("%s\nredis: {addrs: [%q]}\nroutes: [{path: /, upstreams: [%q]}]\n",
		config, fmt.Sprintf("127.0.0.1:%d", port), "http://"+c.backend), nil)
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
	return nil
}

// serveCollector accepts spans as an OpenTelemetry Collector does, and discards them. Its
// processor time is not counted.
func serveCollector() {
	listenAndServe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf") // an empty ExportTraceServiceResponse
	}))
}

// startRedis starts a redis-server without persistence.
func (c *comparison) startRedis(ctx context.Context) (*process.Process, int, error) {
	port, err := c.rig.Port()
	if err != nil {
		return nil, 0, err
	}
	p, err := c.rig.Start("redis", exec.Command("redis-server", "--port", strconv.Itoa(port.Number), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", c.rig.Dir))
	if err != nil {
		return nil, 0, err
	}
	return p, port.Number, p.Listening(ctx, "tcp", port.Addr())
}
