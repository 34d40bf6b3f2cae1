package wechat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
)

// bulkhead is a class of calls with its own limit on calls in flight and its own circuit
// breaker for each app, so that slow uploads through the relay can't block logins.
type bulkhead string

const (
	bulkheadLogin bulkhead = "login"
	bulkheadAPI   bulkhead = "api"
	bulkheadToken bulkhead = "token"
	bulkheadRelay bulkhead = "relay"
)

var bulkheads = []bulkhead{bulkheadLogin, bulkheadAPI, bulkheadToken, bulkheadRelay}

// slots limits the calls in flight of each bulkhead.
type slots map[bulkhead]chan struct{}

func newSlots(n int) slots {
	s := make(slots, len(bulkheads))
	for _, b := range bulkheads {
		s[b] = make(chan struct{}, n)
	}
	return s
}

// acquire waits for a slot and for the permission of the circuit breaker. The caller
// must pass the call's error to report exactly once, and must call release when the
// call has ended.
func (c *Client) acquire(ctx context.Context, a *app, call apiCall) (report func(error), release func(), err error) {
	if a.breakers[call.bulkhead].State() == gobreaker.StateOpen {
		return nil, nil, c.circuitOpen(call.api)
	}
	releaseUser, err := c.acquireUser(a, call)
	if err != nil {
		return nil, nil, err
	}
	select {
	case c.slots[call.bulkhead] <- struct{}{}:
	case <-ctx.Done():
		releaseUser()
		return nil, nil, acquireError(ctx, call.api)
	}
	release = func() {
		<-c.slots[call.bulkhead]
		releaseUser()
	}
	report, err = a.breakers[call.bulkhead].Allow()
	if err != nil {
		release()
		return nil, nil, c.circuitOpen(call.api)
	}
	return c.excludeQueueTimeouts(ctx, report), release, nil
}

// excludeQueueTimeouts wraps report for a call that is sent now. If the call waited for
// its slot for more than half of the timeout, a timeout is not WeChat's failure: it is
// reported as errTimedOutInQueue, which the circuit breaker doesn't count.
func (c *Client) excludeQueueTimeouts(ctx context.Context, report func(error)) func(error) {
	deadline, bounded := ctx.Deadline()
	sentLate := bounded && time.Until(deadline) < c.current.Load().timeout/2
	return func(err error) {
		if sentLate && context.Cause(ctx) == errTimeout {
			err = errTimedOutInQueue
		}
		report(err)
	}
}

var errTimedOutInQueue = errors.New("the timeout passed while waiting for a slot")

func (c *Client) circuitOpen(api string) error {
	return unavailable(api, "not called: the circuit breaker is open", c.openFor)
}

func acquireError(ctx context.Context, api string) error {
	if err := callerError(ctx); err != nil {
		return fmt.Errorf("wechat: %s: %w", api, err)
	}
	return unavailable(api, "not called: too many calls in flight", retryAfterDefault)
}
