// Command http11 sends the cases of Http11Probe to the gateway, to a bare net/http server,
// to HAProxy and to nginx. The program fails when the gateway fails a scored case.
package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"wxgate/interop/http11/probe"
	"wxgate/interop/rig"
)

// responseLimit is how long a server has to respond. It is far below the time that each of
// the servers allows a client for sending a request.
const responseLimit = 2 * time.Second

func main() { rig.Main(4*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	bare, err := startBare()
	if err != nil {
		return err
	}
	defer bare.Close()
	backend := bare.Addr().String()
	g, err := r.Gateway(ctx, fmt.Sprintf("limits: {max_body: 0}\nroutes: [{path: /, auth: none, upstreams: [%q]}]", "http://"+backend), nil)
	if err != nil {
		return err
	}
	haproxy, err := startHAProxy(ctx, r, backend)
	if err != nil {
		return err
	}
	nginx, err := startNginx(ctx, r, backend)
	if err != nil {
		return err
	}
	servers := []server{{"wxgate", g.Address}, {"net/http", backend}, {"HAProxy", haproxy}, {"nginx", nginx}}
	results, err := probeAll(servers)
	if err != nil {
		return err
	}
	report(r, servers, results)
	return nil
}

// result is how one server did in one case.
type result struct {
	outcome probe.Outcome
	grade   probe.Grade
	err     error
}

// probeAll runs every case at every server, 16 at a time. The results are by case, then by
// server.
func probeAll(servers []server) ([][]result, error) {
	cases := probe.Cases()
	results := make([][]result, len(cases))
	var running sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i, c := range cases {
		results[i] = make([]result, len(servers))
		for j, s := range servers {
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				got := &results[i][j]
				got.outcome, got.err = probe.Run(s.address, c, responseLimit)
				got.grade = c.Grade(got.outcome)
			})
		}
	}
	running.Wait()
	for _, row := range results {
		for _, got := range row {
			if got.err != nil {
				return nil, got.err
			}
		}
	}
	return results, nil
}
