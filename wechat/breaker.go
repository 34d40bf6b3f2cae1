package wechat

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"
)

type breaker = gobreaker.TwoStepCircuitBreaker[struct{}]

type breakers map[bulkhead]*breaker

// A breaker opens after so many failures in a row, or when of enough calls in the
// window half or more failed. Only unavailability is a failure.
const (
	breakerWindow      = 10 * time.Second
	breakerBucket      = time.Second
	breakerConsecutive = 10
	breakerMinCalls    = 20
)

func (c *Client) newBreakers(appid string) breakers {
	all := make(breakers, len(bulkheads))
	for _, b := range bulkheads {
		all[b] = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Name:         appid,
			Interval:     breakerWindow,
			BucketPeriod: breakerBucket,
			Timeout:      c.openFor,
			ReadyToTrip:  shouldTrip,
			IsSuccessful: isReachable,
			IsExcluded:   isCallerError,
			OnStateChange: func(appid string, _, to gobreaker.State) {
				c.metrics.breaker(appid, b, to)
				c.log.Warn("wechat circuit breaker", zap.String("appid", appid), zap.String("class", string(b)), zap.Stringer("state", to))
			},
		})
	}
	return all
}

func shouldTrip(n gobreaker.Counts) bool {
	return n.ConsecutiveFailures >= breakerConsecutive ||
		n.Requests >= breakerMinCalls && 2*n.TotalFailures >= n.Requests
}

// isReachable tells a WeChat that answers, though it refuses, from one that does
// not. A used-up quota is a refusal. Answers that can't be verified, since the platform's
// certificate is a new one for example, say nothing of the calls that aren't signed.
func isReachable(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && (e.unverified || e.Code != codeBusy && e.Code != 0) {
		return true
	}
	return !errors.Is(err, ErrUnavailable)
}

// isCallerError: a caller that went away, or a call that had no time left, says
// nothing of WeChat.
func isCallerError(err error) bool {
	if _, ok := errors.AsType[*bodyError](err); ok {
		return true
	}
	return errors.Is(err, errQueued) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
