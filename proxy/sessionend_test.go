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

func TestSessionEndAbortsRequestsInTime(t *testing.T) {
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
		response *upstream.Response // nil: none
		early    bool               // the response starts before the session's end
		after    time.Duration      // from the session's end to the abort
		code     apierror.Code
	}{
		"no response":                 {timeout: 3 * time.Second, after: 3 * time.Second, code: apierror.UpstreamTimeout},
		"no response, no timeout":     {after: defaultFinishTimeout, code: apierror.UpstreamTimeout},
		"sized response started":      {timeout: 3 * time.Second, response: sized, early: true, after: 3 * time.Second, code: apierror.UpstreamTimeout},
		"sized response afterwards":   {timeout: 3 * time.Second, response: sized, after: 3 * time.Second, code: apierror.UpstreamTimeout},
		"chunked response started":    {response: chunked, early: true, after: streamEndGrace, code: apierror.SessionEnded},
		"chunked response afterwards": {response: chunked, after: streamEndGrace, code: apierror.SessionEnded},
		"events started":              {response: events, early: true, code: apierror.SessionEnded},
		"events afterwards":           {response: events, code: apierror.SessionEnded},
		"gRPC, no response yet":       {request: "application/grpc", code: apierror.UpstreamTimeout},
		"gRPC started":                {request: "application/grpc", response: grpc, early: true, code: apierror.SessionEnded},
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
					t.Fatal("aborted before the session's end")
				}
				e.sessionEnded()
				if test.response != nil && !test.early {
					e.responseStarted(test.response)
				}
				if test.after > 0 {
					time.Sleep(test.after - time.Millisecond)
					if ctx.Err() != nil {
						t.Fatal("aborted too early")
					}
					time.Sleep(2 * time.Millisecond)
				}
				var reason *apierror.Error
				if !errors.As(context.Cause(ctx), &reason) || reason.Code != test.code {
					t.Errorf("aborted for %v, not %s", context.Cause(ctx), test.code)
				}
			})
		})
	}
}

func TestFinishedRequestsAreNotAborted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		e := new(sessionEnd)
		e.start("", time.Second, cancel)
		e.sessionEnded()
		e.stop()
		time.Sleep(time.Minute)
		if ctx.Err() != nil {
			t.Errorf("aborted afterwards: %v", context.Cause(ctx))
		}
	})
}
