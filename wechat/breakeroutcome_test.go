package wechat

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sony/gobreaker/v2"
)

// Only an unavailable WeChat is a failure, and only a response is a success.
func TestOutcomesForTheCircuitBreaker(t *testing.T) {
	t.Parallel()
	type outcome string
	const success, failure, excluded outcome = "success", "failure", "excluded"
	for name, c := range map[string]struct {
		err  error
		want outcome
	}{
		"no error":               {nil, success},
		"a refusal":              {errcodeError(apiLogin, codeInvalidCode, ""), success},
		"a used-up quota":        {errcodeError(apiLogin, codeQuota, ""), success},
		"a rejected token":       {errcodeError(apiRelay, codeTokenExpired, ""), success},
		"an unverified response": {unverified(apiRelay, ""), success},
		"busy":                   {errcodeError(apiLogin, codeBusy, ""), failure},
		"no response":            {unavailable(apiLogin, "", 0), failure},
		"a wrapped error":        {fmt.Errorf("x: %w", unavailable(apiLogin, "", 0)), failure},
		"canceled":               {fmt.Errorf("x: %w", context.Canceled), excluded},
		"the caller's deadline":  {fmt.Errorf("x: %w", context.DeadlineExceeded), excluded},
		"timed out in the queue": {errTimedOutInQueue, excluded},
		"a broken request body":  {&bodyError{errors.New("x")}, excluded},
		"a call not encryptable": {ErrNotEncryptable, excluded},
		"an invalid request":     {errors.New("x"), excluded},
	} {
		got := failure
		if isExcluded(c.err) {
			got = excluded
		} else if isReachable(c.err) {
			got = success
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCircuitBreakerOpensByFailureRatio(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		counts gobreaker.Counts
		want   bool
	}{
		"half of the calls":               {gobreaker.Counts{Requests: 20, TotalFailures: 10}, true},
		"less than half":                  {gobreaker.Counts{Requests: 21, TotalFailures: 10}, false},
		"too few calls":                   {gobreaker.Counts{Requests: 19, TotalFailures: 19, ConsecutiveFailures: 9}, false},
		"ten in a row":                    {gobreaker.Counts{Requests: 10, TotalFailures: 10, ConsecutiveFailures: 10}, true},
		"half, without excluded calls":    {gobreaker.Counts{Requests: 100, TotalExclusions: 80, TotalFailures: 10}, true},
		"too few, without excluded calls": {gobreaker.Counts{Requests: 100, TotalExclusions: 81, TotalFailures: 9}, false},
	} {
		if got := shouldTrip(c.counts); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
