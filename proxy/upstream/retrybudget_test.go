package upstream

import (
	"testing"
)

func TestRetriesAreAFifthOfRequests(t *testing.T) {
	t.Parallel()
	var b retryBudget
	now := newClock().now()
	granted := 0
	for range 1000 {
		b.deposit()
		if b.withdraw(now) {
			granted++
		}
	}
	if granted < 200 || granted > 200+retryBalanceMax/retryCost+1 {
		t.Errorf("%d retries for 1000 requests", granted)
	}
}

func TestRetryBudgetSavesNoMoreThanTen(t *testing.T) {
	t.Parallel()
	var b retryBudget
	now := newClock().now()
	for range 1000 {
		b.deposit()
	}
	granted := 0
	for b.withdraw(now) {
		granted++
	}
	if granted != retryBalanceMax/retryCost {
		t.Errorf("%d retries at once", granted)
	}
}

func TestAnExhaustedRetryBudgetStillGrantsOneASecond(t *testing.T) {
	t.Parallel()
	var b retryBudget
	k := newClock()
	for b.withdraw(k.now()) {
	}
	for range 3 {
		k.add(retryMinInterval)
		if !b.withdraw(k.now()) {
			t.Error("no retry after a second")
		}
		if b.withdraw(k.now()) {
			t.Error("two retries within a second")
		}
	}
}
