package wechat

import (
	"context"
	"fmt"

	"github.com/sony/gobreaker/v2"
)

// bulkhead is a group of calls with its own bound on calls in flight and its own
// circuit breaker for each app, so that slow uploads through the relay never keep
// a user from logging in.
type bulkhead string

const (
	bulkheadLogin bulkhead = "login"
	bulkheadAPI   bulkhead = "api"
	bulkheadToken bulkhead = "token"
	bulkheadRelay bulkhead = "relay"
)

var bulkheads = []bulkhead{bulkheadLogin, bulkheadAPI, bulkheadToken, bulkheadRelay}

// slots bounds the calls in flight of each bulkhead.
type slots map[bulkhead]chan struct{}

func newSlots(n int) slots {
	s := make(slots, len(bulkheads))
	for _, b := range bulkheads {
		s[b] = make(chan struct{}, n)
	}
	return s
}

// acquire waits for a slot and asks the circuit breaker. The caller must pass the
// call's outcome to report, exactly once, and must call release when it is over.
func (c *Client) acquire(ctx context.Context, a *app, b bulkhead, api string) (report func(error), release func(), err error) {
	if a.breakers[b].State() == gobreaker.StateOpen {
		return nil, nil, c.circuitOpen(api)
	}
	select {
	case c.slots[b] <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, acquireError(ctx, api)
	}
	release = func() { <-c.slots[b] }
	report, err = a.breakers[b].Allow()
	if err != nil {
		release()
		return nil, nil, c.circuitOpen(api)
	}
	return report, release, nil
}

func (c *Client) circuitOpen(api string) error {
	return unavailable(api, "not called: the circuit breaker is open", c.openFor)
}

func acquireError(ctx context.Context, api string) error {
	if err := callerError(ctx); err != nil {
		return fmt.Errorf("wechat: %s: %w", api, err)
	}
	return unavailable(api, "not called: too many calls in flight", retryAfterDefault)
}
