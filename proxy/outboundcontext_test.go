package proxy

import (
	"context"
	"errors"
	"testing"
)

func TestOutboundContextEndsOnceWithItsCause(t *testing.T) {
	t.Parallel()
	reason, disconnected := errors.New("the session ended"), errors.New("the client disconnected")
	for name, c := range map[string]struct {
		end  func(fc *outboundContext, client context.CancelCauseFunc)
		want error // the cause
	}{
		"by the client": {func(fc *outboundContext, client context.CancelCauseFunc) { client(disconnected); <-fc.Done() }, disconnected},
		"by cancel":     {func(fc *outboundContext, _ context.CancelCauseFunc) { fc.cancel(reason) }, reason},
		"by stop":       {func(fc *outboundContext, _ context.CancelCauseFunc) { fc.stop() }, nil},
		"only the first": {func(fc *outboundContext, client context.CancelCauseFunc) {
			fc.cancel(reason)
			client(disconnected)
			fc.stop()
		}, reason},
		"not after stop": {func(fc *outboundContext, client context.CancelCauseFunc) { fc.stop(); client(disconnected) }, nil},
	} {
		client, cancel := context.WithCancelCause(context.WithValue(t.Context(), t, name))
		fc := new(outboundContext)
		fc.start(client, fc.parentEnded)
		child, stop := context.WithCancel(fc) // as http.Transport creates one
		called, stopped := make(chan struct{}), make(chan struct{})
		context.AfterFunc(fc, func() { close(called) })
		if context.AfterFunc(fc, func() { close(stopped) })(); fc.Err() != nil || child.Err() != nil || fc.Value(t) != name {
			t.Errorf("%s: ended too early, or without the parent's values", name)
		}
		c.end(fc, cancel)
		<-fc.Done()
		<-child.Done()
		<-called
		if !errors.Is(fc.Err(), context.Canceled) || causeOf(fc) != c.want {
			t.Errorf("%s: ended with %v, cause %v", name, fc.Err(), causeOf(fc))
		}
		select {
		case <-stopped:
			t.Errorf("%s: a function was called although it was stopped", name)
		default:
		}
		fc.stop()
		stop()
		cancel(nil)
	}
}

func TestOutboundContextOfAnEndedRequestEnds(t *testing.T) {
	t.Parallel()
	client, cancel := context.WithCancel(t.Context())
	cancel()
	fc := new(outboundContext)
	fc.start(client, fc.parentEnded)
	defer fc.stop()
	<-fc.Done()
	child, stop := context.WithCancel(fc)
	defer stop()
	<-child.Done()
}
