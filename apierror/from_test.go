package apierror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"wxgate/session"
	"wxgate/wechat"
)

// A client logs in again on a 401: a fault of Redis or of WeChat must never be one.
func TestErrorsAreMappedToCodes(t *testing.T) {
	t.Parallel()
	for want, errs := range map[Code][]error{
		Forbidden:           {New(Forbidden, "no"), wechat.ErrPush},
		BodyTooLarge:        {&http.MaxBytesError{Limit: 1}},
		ClientClosed:        {context.Canceled},
		RateLimited:         {&session.LimitedError{RetryAfter: time.Second}, wechat.ErrRateLimited},
		UserBlocked:         {&session.BlockedError{}, wechat.ErrUserBlocked},
		TokenInvalid:        {session.ErrTokenInvalid},
		TokenExpired:        {session.ErrTokenExpired},
		SessionEnded:        {session.ErrSessionEnded},
		InvalidCode:         {session.ErrCodeUsed, wechat.ErrInvalidCode},
		NotFound:            {session.ErrNotFound},
		StoreUnavailable:    {session.ErrUnavailable},
		WeChatUnavailable:   {wechat.ErrUnavailable},
		WeChatMisconfigured: {wechat.ErrMisconfigured},
		SessionKeyStale:     {wechat.ErrKeyStale},
		BadData:             {wechat.ErrBadData},
		BadRequest:          {wechat.ErrBadCode, wechat.ErrUnknownApp, wechat.ErrNotEncryptable},
		Internal:            {errors.New("a bug"), context.DeadlineExceeded},
	} {
		for _, err := range errs {
			if got := From(fmt.Errorf("wrapped: %w", err)).Code; got != want {
				t.Errorf("%v is %s instead of %s", err, got, want)
			}
		}
	}
}
