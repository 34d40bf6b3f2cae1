package proxy

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wxgate/apierror"
	"wxgate/internal/fieldlist"
	"wxgate/proxy/upstream"
)

func TestWhatASessionsEndCutsAndWhen(t *testing.T) {
	t.Parallel()
	const never = time.Hour
	header := func(contentType string) fieldlist.List {
		return fieldlist.List{{Name: "Content-Type", Value: contentType}}
	}
	sized := &upstream.Response{ContentLength: 5, Header: header("application/json")}
	chunked := &upstream.Response{ContentLength: -1, Header: header("application/json")}
	events := &upstream.Response{ContentLength: -1, Header: header("text/event-stream")}
	grpc := &upstream.Response{ContentLength: -1, Header: header("application/grpc+proto")}
	for name, test := range map[string]struct {
		request  string
		timeout  time.Duration
		response *upstream.Response // nil: none comes
		early    bool               // the response begins before the session's end
		cut      time.Duration      // after the session's end
		code     apierror.Code
	}{
		"no answer":                 {timeout: 3 * time.Second, cut: 3 * time.Second, code: apierror.UpstreamTimeout},
		"no answer, no timeout":     {cut: defaultFinishTimeout, code: apierror.UpstreamTimeout},
		"sized answer under way":    {timeout: 3 * time.Second, response: sized, early: true, cut: 3 * time.Second, code: apierror.UpstreamTimeout},
		"sized answer afterwards":   {timeout: 3 * time.Second, response: sized, cut: 3 * time.Second, code: apierror.UpstreamTimeout},
		"chunked answer under way":  {response: chunked, early: true, cut: streamEndGrace, code: apierror.SessionEnded},
		"chunked answer afterwards": {response: chunked, cut: streamEndGrace, code: apierror.SessionEnded},
		"events under way":          {response: events, early: true, code: apierror.SessionEnded},
		"events afterwards":         {response: events, code: apierror.SessionEnded},
		"gRPC, nothing came yet":    {request: "application/grpc", code: apierror.UpstreamTimeout},
		"gRPC under way":            {request: "application/grpc", response: grpc, early: true, code: apierror.SessionEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				e := new(sessionEnd)
				e.start(test.request, test.timeout, cancel)
				defer e.stop()
				if test.early {
					e.responseStarted(test.response)
					time.Sleep(never)
				}
				if ctx.Err() != nil {
					t.Fatal("cut before the session's end")
				}
				e.sessionEnded()
				if test.response != nil && !test.early {
					e.responseStarted(test.response)
				}
				if test.cut > 0 {
					time.Sleep(test.cut - time.Millisecond)
					if ctx.Err() != nil {
						t.Fatal("cut too early")
					}
					time.Sleep(2 * time.Millisecond)
				}
				var reason *apierror.Error
				if !errors.As(context.Cause(ctx), &reason) || reason.Code != test.code {
					t.Errorf("cut for %v, not %s", context.Cause(ctx), test.code)
				}
			})
		})
	}
}

func TestFinishedRequestsAreNotCutLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		e := new(sessionEnd)
		e.start("", time.Second, cancel)
		e.sessionEnded()
		e.stop()
		time.Sleep(time.Minute)
		if ctx.Err() != nil {
			t.Errorf("cut afterwards: %v", context.Cause(ctx))
		}
	})
}
