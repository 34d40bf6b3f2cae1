package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

// The size of the load test, and how often faults and reloads happen.
const (
	loadUsers      = 200
	loggedOut      = 12 // of the users; a third before each stop of Redis
	faultyBackends = 3
	rotateEvery    = 8 // reloads
	rotations      = 8 // steps: a secret is added, or put first
	reloadEvery    = 100 * time.Millisecond
	faultEvery     = 60 * time.Millisecond
)

// The test is not parallel: it checks time limits, which the load of other tests could
// exceed.
func TestIdentitiesAreNeverMixedUpUnderFaults(t *testing.T) {
	c := newFaultLoad(t)
	load := c.startUsers(loadUsers)
	c.begin()
	for users := range slices.Chunk(load.users[:loggedOut], loggedOut/3) {
		load.awaitRequests()
		load.endSessions(users)
		c.redis.Stop()
		load.awaitRequests()
		c.redis.Start()
		c.awaitReady()
	}
	c.redis.Pause()
	load.awaitRequests()
	c.redis.Resume()
	c.awaitReady()
	load.awaitRequests()
	c.end()
	load.stopUsers()

	load.checkSessions()
	load.report()
	c.checkFaultsHappened()
}

// faultLoad is two gateways with one Redis, a backend that always works, and others
// that fail in turn.
type faultLoad struct {
	*testEnv
	gateways []*gateway
	backends []*faultyBackend
	end      func() // ends the faults and reloads, and waits until they have ended
}

func newFaultLoad(t *testing.T) *faultLoad {
	t.Helper()
	c := &faultLoad{testEnv: newTestEnv(t)}
	c.redis = redistest.Options{Persist: true}.Start(t)
	for range 1 + faultyBackends {
		c.backends = append(c.backends, newFaultyBackend(t))
	}
	for range 2 {
		c.gateways = append(c.gateways, c.gateway(c.settings(0)))
	}
	return c
}

// begin starts the faults of the backends and the reloads, until end is called.
func (c *faultLoad) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { every(ctx, reloadEvery, c.reload) })
	work.Go(func() { every(ctx, faultEvery, func(n int) { c.backends[1+n%faultyBackends].nextFault() }) })
	c.end = func() {
		cancel()
		work.Wait()
		for _, f := range c.backends {
			f.setFault(noFault)
		}
	}
	c.t.Cleanup(c.end)
}

func every(ctx context.Context, period time.Duration, do func(n int)) {
	ticks := time.NewTicker(period)
	defer ticks.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			do(n)
		}
	}
}

func (c *faultLoad) reload(n int) {
	text := c.config(c.settings(n))
	for _, f := range c.gateways {
		f.rewrite(text)
		f.process.reload(context.Background(), f.file)
	}
}

// settings returns the nth configuration, which differs from the one before in as many
// keys as possible without a difference for clients.
func (c *faultLoad) settings(n int) settings {
	return settings{
		"secrets":  secretsAt(min(n/rotateEvery, rotations)),
		"session":  fmt.Sprintf("{cache_ttl: %s, stale_if_error: 5m}", oneOf(n/20, "5s", "0s", "300ms")),
		"token":    fmt.Sprintf("{ttl: 1h, renew_before: 59m59s, format: %s}", oneOf(n/5, "jwt", "jwt", "opaque")),
		"identity": "{assertion: {header: X-Assertion, ttl: 10s}}",
		"limits":   fmt.Sprintf(`{login_per_ip: "", max_body: %dKiB}`, 64+n%10),
		"log":      "{level: warn}",
		"routes": "[" + strings.Join([]string{
			c.unchangedRoute("/unchanged/", "auth: required"),
			c.unchangedRoute("/jar/", "cookies: jar"),
			c.changingRoute("/api/", n, "rate_limit: "+oneOf(n, "1000/s", "2000/s", `""`)),
			c.changingRoute("/open/", n+1, "auth: optional"),
			c.unchangedRoute("/public/", "auth: none"),
		}, ", ") + "]",
	}
}

// unchangedRoute is a route that no reload changes, so that ejections last.
func (c *faultLoad) unchangedRoute(path, more string) string {
	return fmt.Sprintf("{path: %s, upstreams: [%q, %q, %q], retries: 2, eject: {failures: 2, for: 300ms}, %s}",
		path, c.backends[0].url(), c.backends[1].url(), c.backends[2].url(), more)
}

// changingRoute is a route with other upstreams in each configuration.
func (c *faultLoad) changingRoute(path string, n int, more string) string {
	return fmt.Sprintf("{path: %s, upstreams: [%q, {url: %q, weight: %d}], retries: %d, balance: %s, %s}",
		path, c.backends[0].url(), c.backends[1+n%faultyBackends].url(), 1+n%2, n%3,
		oneOf(n, "round_robin", "least_conn", "hash_openid"), more)
}

func oneOf(n int, choices ...string) string { return choices[n%len(choices)] }

// secretsAt returns the secrets at a step of a rotation. A new secret is last at first,
// and the first in the next step: so no instance signs with a secret that the other
// has not loaded yet.
func secretsAt(step int) string {
	var list []string
	for n := step / 2; n >= 0; n-- {
		list = append(list, secretNumbered(n))
	}
	if step%2 == 1 {
		list = append(list, secretNumbered(step/2+1))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func secretNumbered(n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "rotation %d", n))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// awaitReady waits until the gateways are connected to Redis again.
func (c *faultLoad) awaitReady() {
	c.t.Helper()
	for _, f := range c.gateways {
		testkit.Eventually(c.t, "ready again", func() bool { return f.ready() == http.StatusOK })
	}
}

// checkFaultsHappened checks that every kind of fault happened: without them the test
// proves nothing.
func (c *faultLoad) checkFaultsHappened() {
	c.t.Helper()
	for _, f := range c.gateways {
		for name, label := range map[string]string{
			"wxgate_upstream_retries_total": "", "wxgate_upstream_failures_total": `reason="connect"`, "wxgate_redis_errors_total": "",
			"wxgate_session_lookups_total": `result="stale"`, "wxgate_token_renewals_total": "",
		} {
			if f.total(name, label) == 0 {
				c.t.Errorf("%s %s is 0", name, label)
			}
		}
		if len(f.logged("target ejected")) == 0 {
			c.t.Error("no target was ejected")
		}
		if n := f.total("wxgate_config_reloads_total", `outcome="applied"`); n < 2*rotateEvery {
			c.t.Errorf("the configuration was reloaded %v times only", n)
		}
		for _, message := range []string{"panic", "config refused, keeping the previous configuration"} {
			for _, line := range f.logged(message) {
				c.t.Errorf("logged: %v", line)
			}
		}
	}
}

// gateway is a gateway in this process.
type gateway struct {
	*instance
	process *process
}
