package wechat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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

// userShare is the part of a bulkhead's slots that the calls of one user may take or
// wait for: one in so many. A user who repeats a call must not keep others waiting.
const userShare = 32

// userCalls counts the calls of each user that hold or wait for a slot.
type userCalls struct {
	most  int
	mu    sync.Mutex
	count map[string]int // by app and openid
}

func newUserCalls(slots int) *userCalls {
	return &userCalls{most: max(slots/userShare, 1), count: map[string]int{}}
}

// enter reports whether the user may make another call; leave ends it.
func (u *userCalls) enter(user string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count[user] >= u.most {
		return false
	}
	u.count[user]++
	return true
}

func (u *userCalls) leave(user string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count[user]--; u.count[user] == 0 {
		delete(u.count, user)
	}
}

// acquire waits for a slot and asks the circuit breaker. The caller must pass the
// call's outcome to report, exactly once, and must call release when it is over.
func (c *Client) acquire(ctx context.Context, a *app, k call) (report func(error), release func(), err error) {
	if a.breakers[k.bulkhead].State() == gobreaker.StateOpen {
		return nil, nil, c.circuitOpen(k.api)
	}
	leave, err := c.enterUser(a, k)
	if err != nil {
		return nil, nil, err
	}
	select {
	case c.slots[k.bulkhead] <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, nil, acquireError(ctx, k.api)
	}
	release = func() {
		<-c.slots[k.bulkhead]
		leave()
	}
	report, err = a.breakers[k.bulkhead].Allow()
	if err != nil {
		release()
		return nil, nil, c.circuitOpen(k.api)
	}
	return c.reportFrom(ctx, report), release, nil
}

func (c *Client) enterUser(a *app, k call) (leave func(), err error) {
	if k.user == "" {
		return func() {}, nil
	}
	user := a.ID + " " + k.user
	if !c.userCalls.enter(user) {
		return nil, tooManyOfUser(k.api)
	}
	return func() { c.userCalls.leave(user) }, nil
}

// reportFrom is report for a call that begins now. One that timed out because most
// of its time had passed in the queue says nothing of WeChat.
func (c *Client) reportFrom(ctx context.Context, report func(error)) func(error) {
	deadline, bounded := ctx.Deadline()
	late := bounded && time.Until(deadline) < c.current.Load().timeout/2
	return func(err error) {
		if late && context.Cause(ctx) == errTimeout {
			err = errQueued
		}
		report(err)
	}
}

// errQueued is the outcome of a call whose time passed in the queue.
var errQueued = errors.New("the time passed in the queue")

func (c *Client) circuitOpen(api string) error {
	return unavailable(api, "not called: the circuit breaker is open", c.openFor)
}

func acquireError(ctx context.Context, api string) error {
	if err := callerError(ctx); err != nil {
		return fmt.Errorf("wechat: %s: %w", api, err)
	}
	return unavailable(api, "not called: too many calls in flight", retryAfterDefault)
}
