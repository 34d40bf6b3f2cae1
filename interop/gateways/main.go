// Command gateways puts wxgate behind and in front of each load balancer for which deploy/
// has files, and checks login over HTTPS, HTTP/2, the client's address, WebSocket, event
// streams and uploads. It also shows what each balancer does to header fields.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"wxgate/interop/balancers"
	"wxgate/interop/rig"
)

// only names the balancers to use.
var only = flag.String("only", "", "names of balancers, with commas between them (default: all)")

func main() {
	flag.Parse()
	rig.Main(60*time.Minute, run) // the first run builds Caddy and Traefik
}

func run(ctx context.Context, r *rig.Rig) error {
	cert, err := r.NewCertificate()
	if err != nil {
		return err
	}
	t := &trial{Rig: r, cert: cert, backend: newBackend()}
	server := httptest.NewServer(t.backend)
	defer server.Close()
	t.backendAddress = server.Listener.Addr().String()
	if t.gateways, err = t.startGateways(ctx); err != nil {
		return err
	}
	selected := selectedBalancers()
	results, headers := rig.NewTable(append([]string{""}, names(selected)...)...), rig.NewTable(append([]string{"the client sends"}, names(selected)...)...)
	if err := t.all(ctx, selected, results, headers); err != nil {
		return err
	}
	results.Print("wxgate behind and in front of load balancers")
	headers.Print("what arrives behind each of them, without wxgate")
	return nil
}

// trial has the gateways and the backend that all balancers are tested with.
type trial struct {
	*rig.Rig
	cert           *rig.Certificate
	backend        *backend
	backendAddress string
	gateways       [2]*rig.Gateway
}

func selectedBalancers() (list []balancers.Balancer) {
	for _, b := range balancers.All {
		if *only == "" || strings.Contains(","+*only+",", ","+b.Name+",") {
			list = append(list, b)
		}
	}
	return list
}

func names(list []balancers.Balancer) (names []string) {
	for _, b := range list {
		names = append(names, b.Name)
	}
	return names
}

// startGateways starts two instances that trust the balancer.
func (t *trial) startGateways(ctx context.Context) (gateways [2]*rig.Gateway, err error) {
	redis, err := t.Redis(ctx)
	if err != nil {
		return gateways, err
	}
	return t.GatewayPair(ctx, fmt.Sprintf(`redis: {addrs: [%q]}
trusted_proxies: [127.0.0.1/32]
limits: {max_body: 0}
routes: [{path: /, upstreams: ["http://%s"]}]
`, redis, t.backendAddress))
}

// all tests each balancer and fills the tables, which have a column for each.
func (t *trial) all(ctx context.Context, selected []balancers.Balancer, results, headers *rig.Table) error {
	columns := make([][]string, len(selected))
	arrived := make([]map[string]string, len(selected))
	for i, b := range selected {
		var err error
		if columns[i], err = t.check(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
		if arrived[i], err = t.headers(ctx, b); err != nil {
			return fmt.Errorf("%s: headers: %w", b.Name, err)
		}
	}
	for row, name := range rowNames() {
		cells := []string{name}
		for _, c := range columns {
			cells = append(cells, c[row])
		}
		results.Add(cells...)
	}
	for _, p := range probes {
		cells := []string{p.name}
		for _, lines := range arrived {
			cells = append(cells, lines[p.name])
		}
		headers.Add(cells...)
	}
	return nil
}

// start starts a balancer in front of targets and returns its base URL.
func (t *trial) start(ctx context.Context, b balancers.Balancer, targets [2]balancers.Target) (string, error) {
	site, err := balancers.NewSite(t.Rig, b.Name, targets, t.cert)
	if err != nil {
		return "", err
	}
	return site.URL(), b.Start(ctx, site)
}

// check runs all checks with the balancer in front of the gateways, then with the balancer
// between a gateway and the backend. It returns a cell for each of rowNames.
func (t *trial) check(ctx context.Context, b balancers.Balancer) ([]string, error) {
	front, err := t.start(ctx, b, balancers.Gateways(t.gateways))
	if err != nil {
		return nil, err
	}
	gateway, err := t.startBehindGateway(ctx, b)
	if err != nil {
		return nil, err
	}
	var cells []string
	for _, base := range []string{front, gateway.URL("")} {
		c := &caller{trial: t, base: base, client: t.cert.Client()}
		if c.token, c.openid, err = t.gateways[0].LoginAt(ctx, c.client, c.base, "alice"); err != nil {
			return nil, err
		}
		cells = append(cells, c.runChecks(ctx)...)
	}
	return cells, nil
}

// runChecks runs all checks and returns a cell for each.
func (c *caller) runChecks(ctx context.Context) (cells []string) {
	for _, check := range checks {
		text, err := check.run(ctx, c)
		if err != nil {
			text = err.Error()
		}
		cells = append(cells, strings.TrimSpace(text+" "+c.Check(err == nil)))
	}
	return cells
}

func rowNames() (rows []string) {
	for _, place := range []string{"wxgate behind it: ", "wxgate before it: "} {
		for _, c := range checks {
			rows = append(rows, place+c.name)
		}
	}
	return rows
}

// startBehindGateway starts a balancer in front of the backend, and a gateway whose only
// upstream is this balancer.
func (t *trial) startBehindGateway(ctx context.Context, b balancers.Balancer) (*rig.Gateway, error) {
	url, err := t.start(ctx, b, twice(t.backendAddress))
	if err != nil {
		return nil, err
	}
	return t.Gateway(ctx, fmt.Sprintf(`limits: {max_body: 0}
routes: [{path: /, upstreams: [{url: %q, ca_file: %q}]}]
`, url, t.cert.File), t.cert)
}

// twice returns two targets with the same address.
func twice(address string) [2]balancers.Target {
	target := balancers.Target{Address: address, Health: address}
	return [2]balancers.Target{target, target}
}
