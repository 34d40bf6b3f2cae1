// Command scale fills a Redis cluster of six nodes with a million sessions, by the script
// that every login runs. Then two gateways serve requests and logins at a constant rate
// while a master is killed, returns as a replica, and becomes the master by a planned
// failover.
//
//	go run ./interop/scale -sessions 1000000 -node-timeout 5000 -full-coverage=false
//
// It counts refused and slow requests and lost sessions, and measures how long it takes
// until no request is refused.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"wxgate/interop/rig"
	"wxgate/secret"
	"wxgate/session"
)

var (
	sessions     = flag.Int("sessions", 1_000_000, "how many users are logged in")
	rate         = flag.Int("rate", 300, "requests a second during the failover")
	nodeTimeout  = flag.Int("node-timeout", 15000, "cluster-node-timeout of Redis, milliseconds")
	fullCoverage = flag.Bool("full-coverage", true, "cluster-require-full-coverage of Redis")
)

func main() {
	flag.Parse()
	rig.Main(30*time.Minute, run)
}

func run(ctx context.Context, r *rig.Rig) error {
	c, err := startCluster(ctx, r)
	if err != nil {
		return err
	}
	key := make([]byte, session.MinSecret)
	_, _ = rand.Read(key) // never fails
	store, err := session.Open(session.Config{
		Redis: session.RedisConfig{Addrs: c.addresses(), Cluster: true, KeyPrefix: "wxgate:"},
		Apps:  []string{rig.AppID}, Secrets: []secret.Text{secret.Text(key)},
	})
	if err != nil {
		return err
	}
	defer store.Close()
	tokens, err := fill(ctx, c, store, *sessions)
	if err != nil {
		return err
	}
	if err := lookUp(ctx, c, store, tokens); err != nil {
		return err
	}
	gateways, err := startGateways(ctx, r, c, key)
	if err != nil {
		return err
	}
	return failover(ctx, r, c, store, gateways, tokens)
}

// startGateways starts two instances in front of a backend that responds at once.
func startGateways(ctx context.Context, r *rig.Rig, c *cluster, key []byte) (gateways [2]*rig.Gateway, err error) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return r.GatewayPair(ctx, fmt.Sprintf(`redis: {addrs: [%s], cluster: true}
secrets: [%s]
limits: {login_per_ip: 100000/s}
routes: [{path: /api/, upstreams: [%q]}]
`, quoted(c.addresses()), base64.StdEncoding.EncodeToString(key), backend.URL))
}
