package cancellation_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"wxgate/internal/cancellation"
)

var errCancelled = errors.New("cancelled")

// Every subset of four callbacks is unregistered; the others run once each,
// whatever their position in the list.
func TestCancelRunsTheRegisteredCallbacksOnce(t *testing.T) {
	t.Parallel()
	for unregistered := range 1 << 4 {
		synctest.Test(t, func(t *testing.T) {
			var c cancellation.Cancellation
			var callbacks [4]cancellation.Callback
			var ran [4]atomic.Int64
			for i := range callbacks {
				c.Register(&callbacks[i], func() { ran[i].Add(1) })
			}
			for i := range callbacks {
				if unregistered&(1<<i) != 0 && (!c.Unregister(&callbacks[i]) || c.Unregister(&callbacks[i])) {
					t.Error("a registered callback could not be unregistered, or twice")
				}
			}
			if !c.Cancel(errCancelled, nil) || c.Cancel(errors.New("later"), nil) || c.Err() != errCancelled {
				t.Error("it was not cancelled once with the first error")
			}
			synctest.Wait()
			for i := range ran {
				if want := int64(1 &^ (unregistered >> i)); ran[i].Load() != want || c.Unregister(&callbacks[i]) {
					t.Errorf("unregistered %04b: callback %d ran %d times, want %d", unregistered, i, ran[i].Load(), want)
				}
			}
			if all := unregistered == 1<<4-1; c.CallbackStarted() == all || c.Shared() {
				t.Errorf("unregistered %04b: CallbackStarted is %v, Shared %v", unregistered, c.CallbackStarted(), c.Shared())
			}
		})
	}
}

func TestDoneAndAfterFuncMakeItShared(t *testing.T) {
	t.Parallel()
	var done, after cancellation.Cancellation
	_ = done.Done()
	stop := after.AfterFunc(func() {})
	if !done.Shared() || !after.Shared() || !stop() || stop() {
		t.Error("Done or AfterFunc did not make it shared, or a function was stopped twice")
	}
}

func TestACallbackRegisteredAfterCancelRunsAtOnce(t *testing.T) {
	t.Parallel()
	var c cancellation.Cancellation
	c.Cancel(errCancelled, nil)
	ran := make(chan struct{})
	var callback cancellation.Callback
	c.Register(&callback, func() { close(ran) })
	<-ran
	if c.Unregister(&callback) || !c.CallbackStarted() {
		t.Error("the callback was unregistered after it ran")
	}
	<-c.Done()
}
