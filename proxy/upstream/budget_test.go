package upstream

import (
	"testing"
)

func TestRetriesAreAFifthOfRequests(t *testing.T) {
	t.Parallel()
	var b budget
	now := newClock().now()
	granted := 0
	for range 1000 {
		b.earn()
		if b.take(now) {
			granted++
		}
	}
	if granted < 200 || granted > 200+retrySaved/retryPrice+1 {
		t.Errorf("%d retries for 1000 requests", granted)
	}
}

func TestBudgetSavesNoMoreThanTen(t *testing.T) {
	t.Parallel()
	var b budget
	now := newClock().now()
	for range 1000 {
		b.earn()
	}
	granted := 0
	for b.take(now) {
		granted++
	}
	if granted != retrySaved/retryPrice {
		t.Errorf("%d retries at once", granted)
	}
}

func TestAnExhaustedBudgetStillGrantsOneASecond(t *testing.T) {
	t.Parallel()
	var b budget
	k := newClock()
	for b.take(k.now()) {
	}
	for range 3 {
		k.add(retryFloor)
		if !b.take(k.now()) {
			t.Error("no retry after a second")
		}
		if b.take(k.now()) {
			t.Error("two retries within a second")
		}
	}
}
