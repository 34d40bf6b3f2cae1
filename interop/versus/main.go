// Command versus measures the processor time of a request through wxgate, which verifies
// a JWT and a session that can be ended at any time, and through other proxies that could
// be used instead. All have the same backend. Each round measures one after the other, and
// ratios are computed within a round: what else the machine does affects both values. It
// fails if wxgate is above its limits.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"

	"wxgate/interop/rig"
)

func main() {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "bare":
			serveBare(os.Args[2])
			return
		case "auth":
			serveAuth(os.Args[2])
			return
		case "collector":
			serveCollector()
			return
		}
	}
	only := flag.String("only", "", "measure only the peers whose names match this expression")
	rounds := flag.Int("rounds", 15, "measured rounds; one more before them warms up")
	flag.Parse()
	match, err := regexp.Compile(*only)
	if err != nil || flag.NArg() > 0 || *rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}
	rig.Main(45*time.Minute, func(ctx context.Context, r *rig.Rig) error {
		return run(ctx, &comparison{rig: r, only: match, rounds: *rounds})
	})
}

// comparison is one run.
type comparison struct {
	rig     *rig.Rig
	only    *regexp.Regexp
	rounds  int
	secret  []byte // signs the HS256 tokens
	backend string // host:port
	peers   []*peer
}

func run(ctx context.Context, c *comparison) error {
	if err := c.start(ctx); err != nil {
		return err
	}
	for _, p := range c.peers {
		if err := p.verify(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for round := range c.rounds + 1 {
		if err := c.measureRound(ctx, round); err != nil {
			return err
		}
	}
	if err := c.measureLatency(ctx); err != nil {
		return err
	}
	c.report()
	return nil
}

// start starts the backend and the peers.
func (c *comparison) start(ctx context.Context) error {
	c.secret = randomBytes(32)
	backend, err := c.startNginx(ctx, nginx{name: "backend", server: backendConfig})
	if err != nil {
		return err
	}
	c.backend = backend.address
	c.peers = nil // startNginx has added the backend, which is not a peer
	for _, start := range []func(context.Context) error{
		c.startWxgate, c.startHAProxy, c.startPlainNginx, c.startLua, c.startBare, c.startGoProxies,
	} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether the peer of this name is measured.
func (c *comparison) wanted(name string) bool { return c.only.MatchString(name) }
