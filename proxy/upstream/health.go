package upstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"
)

// checker asks one peer again and again how it is.
type checker struct {
	group     *Group
	peer      *peer
	url       string
	transport *http.Transport
	streak    int // answers in a row that speak against the present state
}

func newChecker(g *Group, p *peer) *checker {
	u, _ := url.ParseRequestURI(g.config.Health.Path) // validated
	u.Scheme, u.Host = p.target.scheme, p.target.URL.Host
	transport := newTransport(p.target, p.dials, g.config.Health.Timeout, new(keepAlive))
	transport.DisableKeepAlives = true // a check includes the connection
	return &checker{group: g, peer: p, url: u.String(), transport: transport}
}

// run checks at once and then at each interval, a tenth more or less so that
// instances don't check in step, until ctx ends.
func (c *checker) run(ctx context.Context) {
	every := c.group.config.Health.Interval
	for {
		c.check(ctx)
		if !sleep(ctx, every-every/10+rand.N(every/5+1)) {
			return
		}
	}
}

// sleep waits and reports false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *checker) check(ctx context.Context) {
	err := c.ask(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		c.peer.target.metrics.failures[reasonHealth].Inc()
	}
	sick := c.peer.sick.Load()
	if (err != nil) == sick {
		c.streak = 0
		return
	}
	c.streak++
	if c.streak >= c.needed(sick) {
		c.turn(!sick, err)
	}
}

func (c *checker) needed(sick bool) int {
	if sick {
		return c.group.config.Health.Healthy
	}
	return c.group.config.Health.Unhealthy
}

// turn changes the peer's state.
func (c *checker) turn(sick bool, err error) {
	c.streak = 0
	c.peer.sick.Store(sick)
	c.group.showUp(c.peer.target)
	if sick {
		c.group.log.Warn("target is unhealthy", append(c.peer.fields(), zap.Error(err))...)
	} else {
		c.group.log.Info("target is healthy", c.peer.fields()...)
	}
}

// ask makes one check.
func (c *checker) ask(ctx context.Context) error {
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

func (p *peer) fields() []zap.Field {
	return []zap.Field{zap.Stringer("target", p.target), zap.String("address", p.dials[0])}
}
