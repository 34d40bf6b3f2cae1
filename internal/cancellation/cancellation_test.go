package cancellation_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"wxgate/internal/cancellation"
)

var errEnd = errors.New("the end")

// Of the functions that wait, those run that were not forgotten, whatever their
// place in the list, and each once.
func TestEndRunsWhatStillWaits(t *testing.T) {
	t.Parallel()
	for forgotten := range 1 << 4 {
		synctest.Test(t, func(t *testing.T) {
			var c cancellation.Cancellation
			var hooks [4]cancellation.Hook
			var ran [4]atomic.Int64
			for i := range hooks {
				c.Wait(&hooks[i], func() { ran[i].Add(1) })
			}
			for i := range hooks {
				if forgotten&(1<<i) != 0 && (!c.Forget(&hooks[i]) || c.Forget(&hooks[i])) {
					t.Error("a waiting function could not be forgotten, or twice")
				}
			}
			if !c.End(errEnd, nil) || c.End(errors.New("later"), nil) || c.Err() != errEnd {
				t.Error("it does not end once, or with another error")
			}
			synctest.Wait()
			for i := range ran {
				if want := int64(1 &^ (forgotten >> i)); ran[i].Load() != want || c.Forget(&hooks[i]) {
					t.Errorf("forgotten %04b: function %d ran %d times, want %d", forgotten, i, ran[i].Load(), want)
				}
			}
			if all := forgotten == 1<<4-1; c.Started() == all || c.Shared() {
				t.Errorf("forgotten %04b: started is %v, shared %v", forgotten, c.Started(), c.Shared())
			}
		})
	}
}

func TestWhoeverAsksAsAContextsUserSharesIt(t *testing.T) {
	t.Parallel()
	var done, after cancellation.Cancellation
	_ = done.Done()
	stop := after.AfterFunc(func() {})
	if !done.Shared() || !after.Shared() || !stop() || stop() {
		t.Error("Done or AfterFunc left no trace, or a function was stopped twice")
	}
}

func TestWaitingForWhatHasEndedRunsAtOnce(t *testing.T) {
	t.Parallel()
	var c cancellation.Cancellation
	c.End(errEnd, nil)
	ran := make(chan struct{})
	var h cancellation.Hook
	c.Wait(&h, func() { close(ran) })
	<-ran
	if c.Forget(&h) || !c.Started() {
		t.Error("the function was forgotten after it ran")
	}
	<-c.Done()
}
