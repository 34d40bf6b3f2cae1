package wechat

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"
)

type breaker = gobreaker.TwoStepCircuitBreaker[struct{}]

// breakers are an app's circuit breakers, one for each bulkhead.
type breakers map[bulkhead]*breaker

// A circuit breaker opens after breakerConsecutive failures in a row, or when at least
// half of at least breakerMinCalls calls within breakerWindow failed. Only
// unavailability counts as a failure, see isReachable and isCallerError.
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
				c.metrics.recordBreakerState(appid, b, to)
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

// isReachable reports whether WeChat responded. A refusal is a response, also for a
// used-up quota. A response whose signature can't be verified counts as reachable: a
// platform certificate that is not configured yet must not stop the unsigned calls.
func isReachable(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && (e.unverified || e.Code != codeBusy && e.Code != 0) {
		return true
	}
	return !errors.Is(err, ErrUnavailable)
}

// isCallerError reports whether the call failed for a reason that doesn't depend on
// WeChat: its caller canceled it or sent a broken body, or its timeout passed while it
// waited for a slot.
func isCallerError(err error) bool {
	if _, ok := errors.AsType[*bodyError](err); ok {
		return true
	}
	return errors.Is(err, errTimedOutInQueue) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
