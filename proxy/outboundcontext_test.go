package proxy

import (
	"context"
	"errors"
	"testing"
)

func TestForwardContextEndsOnceAndSaysWhy(t *testing.T) {
	t.Parallel()
	reason, gone := errors.New("the session ended"), errors.New("the client went away")
	for name, c := range map[string]struct {
		end  func(fc *outboundContext, client context.CancelCauseFunc)
		want error // its cause
	}{
		"by the client":      {func(fc *outboundContext, client context.CancelCauseFunc) { client(gone); <-fc.Done() }, gone},
		"for a reason":       {func(fc *outboundContext, _ context.CancelCauseFunc) { fc.cancel(reason) }, reason},
		"at the end":         {func(fc *outboundContext, _ context.CancelCauseFunc) { fc.stop() }, nil},
		"the first counts":   {func(fc *outboundContext, client context.CancelCauseFunc) { fc.cancel(reason); client(gone); fc.stop() }, reason},
		"nothing at the end": {func(fc *outboundContext, client context.CancelCauseFunc) { fc.stop(); client(gone) }, nil},
	} {
		client, cancel := context.WithCancelCause(context.WithValue(t.Context(), t, name))
		fc := new(outboundContext)
		fc.start(client, fc.onClientEnd)
		made, stop := context.WithCancel(fc) // as http.Transport makes one
		called, stopped := make(chan struct{}), make(chan struct{})
		context.AfterFunc(fc, func() { close(called) })
		if context.AfterFunc(fc, func() { close(stopped) })(); fc.Err() != nil || made.Err() != nil || fc.Value(t) != name {
			t.Errorf("%s: ended before, or without its values", name)
		}
		c.end(fc, cancel)
		<-fc.Done()
		<-made.Done()
		<-called
		if !errors.Is(fc.Err(), context.Canceled) || causeOf(fc) != c.want {
			t.Errorf("%s: ended with %v, for %v", name, fc.Err(), causeOf(fc))
		}
		select {
		case <-stopped:
			t.Errorf("%s: what was stopped was called", name)
		default:
		}
		fc.stop()
		stop()
		cancel(nil)
	}
}

func TestForwardContextOfAnEndedRequestEnds(t *testing.T) {
	t.Parallel()
	client, cancel := context.WithCancel(t.Context())
	cancel()
	fc := new(outboundContext)
	fc.start(client, fc.onClientEnd)
	defer fc.stop()
	<-fc.Done()
	made, stop := context.WithCancel(fc)
	defer stop()
	<-made.Done()
}
