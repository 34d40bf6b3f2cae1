package apierror

import (
	"context"
	"errors"
	"net/http"
	"time"

	"wxgate/session"
	"wxgate/wechat"
)

// From returns the error to send to a client for an error of the session store or
// of WeChat. An *Error in err's chain is returned as it is. An unknown error becomes
// an internal one, and only the log shows its text.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if e := fromRequest(err); e != nil {
		return e
	}
	if e := fromSession(err); e != nil {
		return e
	}
	if e := fromWeChat(err); e != nil {
		return e
	}
	return New(Internal, "something went wrong in the gateway").WithCause(err)
}

// fromRequest maps the errors that the client caused. It returns nil for others.
func fromRequest(err error) *Error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return New(BodyTooLarge, "the request body is too large").WithCause(err)
	case errors.Is(err, context.Canceled):
		return New(ClientClosed, "the client went away").WithCause(err)
	}
	return nil
}

// storeRetryAfter is short: the gateway notices a recovered Redis within a second.
const storeRetryAfter = time.Second

// fromSession maps the errors of the session store. It returns nil for others.
func fromSession(err error) *Error {
	var blocked *session.BlockedError
	var limited *session.LimitedError
	switch {
	case errors.As(err, &limited):
		e := New(RateLimited, "too many requests, try later").WithCause(err)
		e.RetryAfter = max(limited.RetryAfter, time.Second)
		return e
	case errors.As(err, &blocked):
		return New(UserBlocked, "this user is blocked").WithCause(err)
	case errors.Is(err, session.ErrTokenInvalid):
		return New(TokenInvalid, "the token is not valid").WithCause(err)
	case errors.Is(err, session.ErrTokenExpired):
		return New(TokenExpired, "the token has expired, log in again").WithCause(err)
	case errors.Is(err, session.ErrSessionEnded):
		return New(SessionEnded, "the session has ended, log in again").WithCause(err)
	case errors.Is(err, session.ErrCodeUsed):
		return New(InvalidCode, "this code has been used, call wx.login again").WithCause(err)
	case errors.Is(err, session.ErrNotFound):
		return New(NotFound, "there is no such user or session").WithCause(err)
	case errors.Is(err, session.ErrUnavailable):
		e := New(StoreUnavailable, "the session store can't be reached, try again").WithCause(err)
		e.RetryAfter = storeRetryAfter
		return e
	}
	return nil
}

// wechatErrors maps the errors of package wechat.
var wechatErrors = []struct {
	err        error
	code       Code
	message    string
	retryAfter time.Duration // unless the error has its own; 0: never sent
}{
	{wechat.ErrInvalidCode, InvalidCode, "WeChat refused the code, call wx.login again", 0},
	{wechat.ErrBadCode, BadRequest, "code is missing, or is no code of WeChat's", 0},
	{wechat.ErrUserBlocked, UserBlocked, "WeChat blocks this user", 0},
	{wechat.ErrRateLimited, RateLimited, "WeChat limits how often this may be asked, try later", 30 * time.Second},
	{wechat.ErrMisconfigured, WeChatMisconfigured, "the gateway's WeChat account needs its operator", 0},
	{wechat.ErrKeyStale, SessionKeyStale, "session_key has changed, call wx.login again", 0},
	{wechat.ErrBadData, BadData, "the data could not be decrypted or verified", 0},
	{wechat.ErrUnknownApp, BadRequest, "this appid is not served here", 0},
	{wechat.ErrNotEncryptable, BadRequest, "calls of this path are encrypted: they take parameters and a JSON object of at most 256 KiB", 0},
	{wechat.ErrPush, Forbidden, "this is no push of WeChat's", 0},
	{wechat.ErrUnavailable, WeChatUnavailable, "WeChat can't be reached, try again", 3 * time.Second},
}

// fromWeChat maps the errors of package wechat. It returns nil for others.
func fromWeChat(err error) *Error {
	for _, m := range wechatErrors {
		if errors.Is(err, m.err) {
			e := New(m.code, m.message).WithCause(err)
			e.RetryAfter = wechatRetryAfter(err, m.retryAfter)
			return e
		}
	}
	return nil
}

// wechatRetryAfter returns the RetryAfter of the error itself, or else classDefault. It
// returns 0 if classDefault is 0: a call that fails for such a reason must not be
// repeated.
func wechatRetryAfter(err error, classDefault time.Duration) time.Duration {
	var detailed *wechat.Error
	if classDefault > 0 && errors.As(err, &detailed) && detailed.RetryAfter > 0 {
		return detailed.RetryAfter
	}
	return classDefault
}
