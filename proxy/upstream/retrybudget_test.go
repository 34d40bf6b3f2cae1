package upstream

import (
	"testing"

	"wxgate/internal/testkit"
)

func TestRetriesAreAFifthOfRequests(t *testing.T) {
	t.Parallel()
	var b retryBudget
	now := new(testkit.Clock).Now()
	granted := 0
	for range 1000 {
		b.deposit()
		if b.withdraw(now) {
			granted++
		}
	}
	if granted < 200 || granted > 200+maxRetryBalance/retryCost+1 {
		t.Errorf("%d retries for 1000 requests", granted)
	}
}

func TestTheRetryBudgetSavesAtMostTen(t *testing.T) {
	t.Parallel()
	var b retryBudget
	now := new(testkit.Clock).Now()
	for range 1000 {
		b.deposit()
	}
	granted := 0
	for b.withdraw(now) {
		granted++
	}
	if granted != maxRetryBalance/retryCost {
		t.Errorf("%d retries at once", granted)
	}
}

func TestAnEmptyRetryBudgetAllowsOneRetryASecond(t *testing.T) {
	t.Parallel()
	var b retryBudget
	k := new(testkit.Clock)
	for b.withdraw(k.Now()) {
	}
	for range 3 {
		k.Advance(retryMinInterval)
		if !b.withdraw(k.Now()) {
			t.Error("no retry after a second")
		}
		if b.withdraw(k.Now()) {
			t.Error("two retries within a second")
		}
	}
}
