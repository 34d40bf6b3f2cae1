package apierror

import (
	"context"
	"errors"
	"net/http"
	"time"

	"wxgate/session"
	"wxgate/wechat"
)

// From gives what an error of the session store or of WeChat means to a client. A *Error passes as it is; an error that is not known is an internal
// one, whose text only the log shows.
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
	return New(Internal, "something went wrong in the gateway").Because(err)
}

// fromRequest maps what the client's own behaviour caused.
func fromRequest(err error) *Error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return New(BodyTooLarge, "the request body is too large").Because(err)
	case errors.Is(err, context.Canceled):
		return New(ClientClosed, "the client went away").Because(err)
	}
	return nil
}

// storeRetryAfter is short: the gateway uses a recovered Redis within a second.
const storeRetryAfter = time.Second

func fromSession(err error) *Error {
	var blocked *session.BlockedError
	var limited *session.LimitedError
	switch {
	case errors.As(err, &limited):
		e := New(RateLimited, "too many requests, try later").Because(err)
		e.RetryAfter = max(limited.RetryAfter, time.Second)
		return e
	case errors.As(err, &blocked):
		return New(UserBlocked, "this user is blocked").Because(err)
	case errors.Is(err, session.ErrTokenInvalid):
		return New(TokenInvalid, "the token is not valid").Because(err)
	case errors.Is(err, session.ErrTokenExpired):
		return New(TokenExpired, "the token has expired, log in again").Because(err)
	case errors.Is(err, session.ErrSessionEnded):
		return New(SessionEnded, "the session has ended, log in again").Because(err)
	case errors.Is(err, session.ErrCodeUsed):
		return New(InvalidCode, "this code has been used, call wx.login again").Because(err)
	case errors.Is(err, session.ErrNotFound):
		return New(NotFound, "there is no such user or session").Because(err)
	case errors.Is(err, session.ErrUnavailable):
		e := New(StoreUnavailable, "the session store can't be reached, try again").Because(err)
		e.RetryAfter = storeRetryAfter
		return e
	}
	return nil
}

// wechatErrors is what each kind of WeChat's answer means to the client.
var wechatErrors = []struct {
	is      error
	code    Code
	message string
	retry   time.Duration
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

func fromWeChat(err error) *Error {
	for _, m := range wechatErrors {
		if errors.Is(err, m.is) {
			e := New(m.code, m.message).Because(err)
			e.RetryAfter = wechatRetryAfter(err, m.retry)
			return e
		}
	}
	return nil
}

func wechatRetryAfter(err error, usual time.Duration) time.Duration {
	var told *wechat.Error
	if usual > 0 && errors.As(err, &told) && told.RetryAfter > 0 {
		return told.RetryAfter
	}
	return usual
}
