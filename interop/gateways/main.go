// Command gateways puts wxgate behind and in front of the load balancers that deploy/
// has files for: login over HTTPS, HTTP/2, the client's address, WebSocket, event
// streams, uploads; and shows what each of them does to header fields.
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

// only are the balancers to try, by their names.
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
	chosen := t.chosen()
	passes, headers := rig.NewTable(append([]string{""}, names(chosen)...)...), rig.NewTable(append([]string{"the client sends"}, names(chosen)...)...)
	if err := t.all(ctx, chosen, passes, headers); err != nil {
		return err
	}
	passes.Print("wxgate behind and in front of load balancers")
	headers.Print("what arrives behind each of them, without wxgate")
	return nil
}

// trial is what the balancers are tried with.
type trial struct {
	*rig.Rig
	cert           *rig.Certificate
	backend        *backend
	backendAddress string
	gateways       [2]*rig.Gateway
}

func (t *trial) chosen() (list []balancers.Balancer) {
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
	config := fmt.Sprintf(`redis: {addrs: [%q]}
trusted_proxies: [127.0.0.1/32]
limits: {max_body: 0}
routes: [{path: /, upstreams: ["http://%s"]}]
`, redis, t.backendAddress)
	for i := range gateways {
		if gateways[i], err = t.Gateway(ctx, config, nil); err != nil {
			return gateways, err
		}
	}
	return gateways, nil
}

// all fills the tables, a column for each balancer.
func (t *trial) all(ctx context.Context, chosen []balancers.Balancer, passes, headers *rig.Table) error {
	columns := make([][]string, len(chosen))
	seen := make([]map[string]string, len(chosen))
	for i, b := range chosen {
		var err error
		if columns[i], err = t.passes(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
		if seen[i], err = t.headers(ctx, b); err != nil {
			return fmt.Errorf("%s: headers: %w", b.Name, err)
		}
	}
	for row, name := range rowNames() {
		cells := []string{name}
		for _, c := range columns {
			cells = append(cells, c[row])
		}
		passes.Add(cells...)
	}
	for _, p := range probes {
		cells := []string{p.name}
		for _, s := range seen {
			cells = append(cells, s[p.name])
		}
		headers.Add(cells...)
	}
	return nil
}

// start puts a balancer before targets and gives its base URL.
func (t *trial) start(ctx context.Context, b balancers.Balancer, targets [2]balancers.Target) (string, error) {
	site, err := balancers.NewSite(t.Rig, b.Name, targets, t.cert)
	if err != nil {
		return "", err
	}
	return site.URL(), b.Start(ctx, site)
}

// passes tries everything with the balancer before the gateways, then with the balancer
// between a gateway and the backend.
func (t *trial) passes(ctx context.Context, b balancers.Balancer) ([]string, error) {
	front, err := t.start(ctx, b, balancers.Gateways(t.gateways))
	if err != nil {
		return nil, err
	}
	behind, err := t.between(ctx, b)
	if err != nil {
		return nil, err
	}
	before := &caller{trial: t, base: front, client: t.cert.Client()}
	after := &caller{trial: t, base: behind.URL(""), client: t.cert.Client()}
	for _, c := range []*caller{before, after} {
		if c.token, c.openid, err = t.gateways[0].LoginAt(ctx, c.client, c.base, "alice"); err != nil {
			return nil, err
		}
	}
	var cells []string
	for _, c := range []*caller{before, after} {
		for _, check := range checks {
			text, err := check.try(ctx, c)
			if err != nil {
				text = err.Error()
			}
			cells = append(cells, strings.TrimSpace(text+" "+t.Check(err == nil)))
		}
	}
	return cells, nil
}

func rowNames() (rows []string) {
	for _, place := range []string{"wxgate behind it: ", "wxgate before it: "} {
		for _, c := range checks {
			rows = append(rows, place+c.name)
		}
	}
	return rows
}

// between starts a gateway whose only upstream is the balancer, which leads to the backend.
func (t *trial) between(ctx context.Context, b balancers.Balancer) (*rig.Gateway, error) {
	target := balancers.Target{Address: t.backendAddress, Health: t.backendAddress}
	url, err := t.start(ctx, b, [2]balancers.Target{target, target})
	if err != nil {
		return nil, err
	}
	return t.Gateway(ctx, fmt.Sprintf(`limits: {max_body: 0}
routes: [{path: /, upstreams: [{url: %q, ca_file: %q}]}]
`, url, t.cert.File), t.cert)
}
