package wechat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"
)

// class groups calls that fare alike. Each has its own bound on calls in flight
// and its own breaker for each app, so that slow uploads through the relay never
// keep a user from logging in.
type class string

const (
	classLogin class = "login"
	classAPI   class = "api"
	classToken class = "token"
	classRelay class = "relay"
)

var classes = []class{classLogin, classAPI, classToken, classRelay}

// slots bounds the calls in flight.
type slots map[class]chan struct{}

func newSlots(n int) slots {
	s := make(slots, len(classes))
	for _, cl := range classes {
		s[cl] = make(chan struct{}, n)
	}
	return s
}

type breaker = gobreaker.TwoStepCircuitBreaker[struct{}]

type breakers map[class]*breaker

// A breaker opens after so many failures in a row, or when of enough calls in the
// window half or more failed. Only unavailability is a failure.
const (
	breakerWindow     = 10 * time.Second
	breakerBucket     = time.Second
	breakerInARow     = 10
	breakerFewestSeen = 20
)

func (c *Client) newBreakers(appid string) breakers {
	b := make(breakers, len(classes))
	for _, cl := range classes {
		b[cl] = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Name:         appid,
			Interval:     breakerWindow,
			BucketPeriod: breakerBucket,
			Timeout:      c.pause,
			ReadyToTrip:  tooManyFailed,
			IsSuccessful: isAnswer,
			IsExcluded:   isCallersDoing,
			OnStateChange: func(appid string, _, to gobreaker.State) {
				c.metrics.breaker(appid, cl, to)
				c.log.Warn("wechat breaker", zap.String("appid", appid), zap.String("class", string(cl)), zap.Stringer("state", to))
			},
		})
	}
	return b
}

func tooManyFailed(n gobreaker.Counts) bool {
	return n.ConsecutiveFailures >= breakerInARow ||
		n.Requests >= breakerFewestSeen && 2*n.TotalFailures >= n.Requests
}

// isAnswer tells a WeChat that is there, though it refuses, from one that is not.
// A used-up quota is a refusal.
func isAnswer(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && e.Code != codeBusy && e.Code != 0 {
		return true
	}
	return !errors.Is(err, ErrUnavailable)
}

// isCallersDoing: a caller that went away says nothing of WeChat.
func isCallersDoing(err error) bool {
	if _, ok := errors.AsType[*bodyError](err); ok {
		return true
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// admit waits for a slot and asks the breaker. The call must tell its outcome to
// report, exactly once, and must call leave when it is over.
func (c *Client) admit(ctx context.Context, a *app, cl class, api string) (report func(error), leave func(), err error) {
	if a.breakers[cl].State() == gobreaker.StateOpen {
		return nil, nil, unavailable(api, "not asked: WeChat was away a moment ago", c.pause)
	}
	select {
	case c.slots[cl] <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, c.notAdmitted(ctx, api)
	}
	leave = func() { <-c.slots[cl] }
	report, err = a.breakers[cl].Allow()
	if err != nil {
		leave()
		return nil, nil, unavailable(api, "not asked: WeChat was away a moment ago", c.pause)
	}
	return report, leave, nil
}

func (c *Client) notAdmitted(ctx context.Context, api string) error {
	if err := callerGone(ctx); err != nil {
		return fmt.Errorf("wechat: %s: %w", api, err)
	}
	return unavailable(api, "not asked: too many calls under way", retryAfterDefault)
}
