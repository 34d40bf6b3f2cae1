package upstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"wxgate/internal/sleep"
)

// healthChecker makes the active checks of one endpoint.
type healthChecker struct {
	group     *Group
	endpoint  *endpoint
	url       string
	transport *http.Transport
	streak    int // consecutive results that contradict the present state
}

func newHealthChecker(g *Group, ep *endpoint) *healthChecker {
	u, _ := url.ParseRequestURI(g.config.Health.Path) // validated
	u.Scheme, u.Host = ep.target.scheme, ep.target.URL.Host
	transport := newTransport(ep.target, ep.dialAddrs, g.config.Health.Timeout, new(earlyCloseDetector))
	transport.DisableKeepAlives = true // a check includes the connection
	return &healthChecker{group: g, endpoint: ep, url: u.String(), transport: transport}
}

// run checks at once and then at each interval until ctx ends. The interval varies by a
// tenth, so that instances don't check at the same time.
func (c *healthChecker) run(ctx context.Context) {
	every := c.group.config.Health.Interval
	for {
		c.check(ctx)
		if !sleep.For(ctx, every-every/10+rand.N(every/5+1)) {
			return
		}
	}
}

// check makes one check and updates the endpoint's state.
func (c *healthChecker) check(ctx context.Context) {
	err := c.sendCheck(ctx)
	if ctx.Err() != nil || isLocalExhaustion(err) {
		return // the result says nothing about the target
	}
	if err != nil {
		c.endpoint.recordFailure(reasonHealth, err, c.group.now())
	}
	unhealthy := c.endpoint.unhealthy.Load()
	if (err != nil) == unhealthy {
		c.streak = 0
		return
	}
	c.streak++
	if c.streak >= c.threshold(unhealthy) {
		c.setUnhealthy(!unhealthy, err)
	}
}

// threshold is how many consecutive results change the state.
func (c *healthChecker) threshold(unhealthy bool) int {
	if unhealthy {
		return c.group.config.Health.Healthy
	}
	return c.group.config.Health.Unhealthy
}

// setUnhealthy changes the endpoint's state and logs it.
func (c *healthChecker) setUnhealthy(unhealthy bool, err error) {
	c.streak = 0
	c.endpoint.unhealthy.Store(unhealthy)
	c.group.updateUpGauge(c.endpoint.target)
	if unhealthy {
		c.group.log.Warn("target is unhealthy", append(c.endpoint.logFields(), zap.Error(err))...)
	} else {
		c.group.log.Info("target is healthy", c.endpoint.logFields()...)
	}
}

// sendCheck sends the check's request. The error is nil for a 2xx or 3xx response.
func (c *healthChecker) sendCheck(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.group.config.Health.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "wxgate-health")
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 399 {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
