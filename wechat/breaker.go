package wechat

import (
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
// unavailability counts as a failure, see isReachable and isExcluded.
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
			IsExcluded:   isExcluded,
			OnStateChange: func(appid string, _, to gobreaker.State) {
				c.metrics.recordBreakerState(appid, b, to)
				c.log.Warn("wechat circuit breaker", zap.String("appid", appid), zap.String("class", string(b)), zap.Stringer("state", to))
			},
		})
	}
	return all
}

func shouldTrip(n gobreaker.Counts) bool {
	calls := n.Requests - min(n.TotalExclusions, n.Requests)
	return n.ConsecutiveFailures >= breakerConsecutive ||
		calls >= breakerMinCalls && 2*n.TotalFailures >= calls
}

// isReachable reports whether WeChat responded. A refusal is a response, and so is the
// errcode of a used-up quota. A response whose signature can't be verified counts as reachable: a
// platform certificate that is not configured yet must not stop the unsigned calls.
func isReachable(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && (e.unverified || e.Code != codeBusy && e.Code != 0) {
		return true
	}
	return !errors.Is(err, ErrUnavailable)
}

// isExcluded reports whether the call counts neither as a success nor as a failure: the
// caller canceled it, its body was incomplete or can't be encrypted, or its timeout expired
// while it waited for a slot. Only an *Error is the outcome of a request to WeChat.
func isExcluded(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return err != nil && !ok
}
