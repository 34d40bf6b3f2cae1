// Command rolling restarts two gateways alternately, behind nginx and behind HAProxy with
// the files of deploy/, while users send GETs and POSTs. No request may be lost, and none
// may reach the backend twice.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"wxgate/interop/balancers"
	"wxgate/interop/rig"
)

const (
	restarts = 10
	workers  = 4 // of each kind of client and method

	// pause is the time between restarts. It is long enough for the balancer's health check
	// to notice that the gateway is back.
	pause = 2 * time.Second
)

func main() { rig.Main(10*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	cert, err := r.NewCertificate()
	if err != nil {
		return err
	}
	table := rig.NewTable("balancer", "restarts", "requests", "reached the backend twice", "", "lost")
	for _, b := range selected() {
		load, err := test(ctx, r, b, cert)
		if err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
		table.Add(b.Name, fmt.Sprint(restarts), fmt.Sprint(load.Sent()), fmt.Sprint(load.Duplicates()), r.Check(load.Lossless()), load.Failures())
	}
	table.Print("rolling restarts of two gateways under load")
	return nil
}

// selected returns the balancers that the arguments name, or both.
func selected() (list []balancers.Balancer) {
	for _, b := range []balancers.Balancer{balancers.Nginx, balancers.HAProxy} {
		if len(os.Args) == 1 || slices.Contains(os.Args[1:], b.Name) {
			list = append(list, b)
		}
	}
	return list
}

// test restarts two gateways behind one balancer under load.
func test(ctx context.Context, r *rig.Rig, b balancers.Balancer, cert *rig.Certificate) (*rig.Load, error) {
	load := rig.NewLoad()
	backend := httptest.NewServer(load)
	defer backend.Close()
	gateways, err := startPair(ctx, r, backend.URL)
	if err != nil {
		return nil, err
	}
	site, err := balancers.NewSite(r, b.Name, balancers.Gateways(gateways), cert)
	if err != nil {
		return nil, err
	}
	if err := b.Start(ctx, site); err != nil {
		return nil, err
	}
	load.Base = site.URL()
	if load.Token, _, err = gateways[0].LoginAt(ctx, cert.Client(), load.Base, "alice"); err != nil {
		return nil, err
	}
	if err := restart(ctx, load, gateways, cert); err != nil {
		return nil, err
	}
	if !load.Lossless() {
		printErrors(b.Name, site.Log())
	}
	return load, nil
}

// printErrors prints the balancer's log without refused connections: after one of those
// the balancer sends the request to the other gateway.
func printErrors(balancer, log string) {
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "Connection refused") {
			fmt.Fprintf(os.Stderr, "%s: %.300s", balancer, line)
		}
	}
}

// startPair starts two gateways on one Redis.
func startPair(ctx context.Context, r *rig.Rig, backend string) (gateways [2]*rig.Gateway, err error) {
	redis, err := r.Redis(ctx)
	if err != nil {
		return gateways, err
	}
	return r.GatewayPair(ctx, fmt.Sprintf(`redis: {addrs: [%q]}
trusted_proxies: [127.0.0.1/32]
shutdown_delay: 3s
shutdown_timeout: 10s
routes: [{path: /, upstreams: [%q]}]
`, redis, backend))
}

// restart restarts the gateways alternately under load.
func restart(ctx context.Context, load *rig.Load, gateways [2]*rig.Gateway, cert *rig.Certificate) error {
	defer load.Start(ctx, workers, clients(cert)...)()
	for i := range restarts {
		if err := rig.Pause(ctx, pause); err != nil {
			return err
		}
		if err := gateways[i%2].Restart(ctx); err != nil {
			return err
		}
	}
	return rig.Pause(ctx, pause)
}

// clients returns three clients: HTTP/1.1 with kept-alive connections, HTTP/1.1 with a new
// connection for each request, and HTTP/2.
func clients(cert *rig.Certificate) []*http.Client {
	kept, fresh := cert.Client(), cert.Client()
	for _, c := range []*http.Client{kept, fresh} {
		c.Transport.(*http.Transport).Protocols = new(http.Protocols)
		c.Transport.(*http.Transport).Protocols.SetHTTP1(true)
	}
	kept.Transport.(*http.Transport).MaxIdleConnsPerHost = 2 * workers
	fresh.Transport.(*http.Transport).DisableKeepAlives = true
	return []*http.Client{kept, fresh, cert.Client()}
}
