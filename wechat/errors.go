package wechat

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"wxgate/secret"
)

// Classes of errors; test with errors.Is. An *Error has the details of a call that
// failed.
var (
	// ErrUnknownApp: no app with this appid is configured.
	ErrUnknownApp = errors.New("wechat: unknown app")
	// ErrBadCode: ValidCode is false for the code. WeChat was not called.
	ErrBadCode = errors.New("wechat: malformed code")
	// ErrInvalidCode: the code is wrong, used, expired, or of another app or user; the
	// mini program must get a new one (40029, 40163, 41008; from getuserphonenumber
	// also 40013 and 40003).
	ErrInvalidCode = errors.New("wechat: invalid code")
	// ErrUserBlocked: WeChat rates the user as high risk (40226). Never repeat.
	ErrUserBlocked = errors.New("wechat: user blocked")
	// ErrRateLimited: too many calls for this user in this minute (45011).
	ErrRateLimited = errors.New("wechat: rate limited")
	// ErrMisconfigured: the operator must correct something (40013, 40125, 40164,
	// 40243, 41002, 41004 and every errcode that no other class has). The log and
	// Error.Hint say what.
	ErrMisconfigured = errors.New("wechat: misconfigured")
	// ErrUnavailable: WeChat is busy (-1 twice), its daily quota is used up (45009),
	// it doesn't respond, its response is malformed, or it was not called because the
	// circuit breaker is open or too many calls are in flight. A login code may or may
	// not be used up.
	ErrUnavailable = errors.New("wechat: unavailable")
	// ErrKeyStale: the session key is no longer the user's (87009): log in again.
	ErrKeyStale = errors.New("wechat: session key stale")
	// ErrBadData: open data that doesn't decrypt, is for another app or too old, or a
	// signature that doesn't match. The error doesn't say which.
	ErrBadData = errors.New("wechat: bad data")
)

// Values of errcode that the client handles.
const (
	codeBusy           = -1
	codeNoSuchData     = 1
	codeBadCredential  = 40001
	codeBadOpenID      = 40003
	codeBadAppID       = 40013
	codeBadToken       = 40014
	codeInvalidCode    = 40029
	codeBadSecret      = 40125
	codeUsedCode       = 40163
	codeBadIP          = 40164
	codeBlocked        = 40226
	codeSecretFrozen   = 40243
	codeNoAppID        = 41002
	codeNoSecret       = 41004
	codeNoCode         = 41008
	codeTokenExpired   = 42001
	codeQuota          = 45009
	codeRateLimited    = 45011
	codeNotAuthorised  = 48001
	codeWrongSignature = 87009
)

// Values of RetryAfter: WeChat sends none. It counts a user's calls per minute.
const (
	retryAfterQuota     = time.Minute
	retryAfterRateLimit = time.Minute
	retryAfterDefault   = time.Second
)

// maxMessage limits Error.Message, in characters.
const maxMessage = 300

// Error is a call that WeChat refused or that got no valid response. It unwraps to the
// Err… value of its class.
type Error struct {
	API        string        // the path called, without query
	Code       int           // errcode; 0: no valid response
	Message    string        // errmsg with its rid, or what failed; at most 300 characters, secrets redacted
	RetryAfter time.Duration // when a retry can succeed; 0: never

	unverified bool // the response has no valid signature
}

func (e *Error) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("wechat: %s: %s", e.API, e.Message)
	}
	return fmt.Sprintf("wechat: %s: errcode %d: %s", e.API, e.Code, e.Message)
}

// Unwrap returns the class of the error.
func (e *Error) Unwrap() error {
	switch e.Code {
	case 0, codeBusy, codeQuota:
		return ErrUnavailable
	case codeInvalidCode, codeUsedCode, codeNoCode:
		return ErrInvalidCode
	case codeBlocked:
		return ErrUserBlocked
	case codeRateLimited:
		return ErrRateLimited
	case codeWrongSignature:
		return ErrKeyStale
	}
	return e.unwrapByAPI()
}

// unwrapByAPI classifies the errcodes whose meaning depends on the API.
func (e *Error) unwrapByAPI() error {
	switch {
	case e.API == apiPhone && (e.Code == codeBadAppID || e.Code == codeBadOpenID):
		return ErrInvalidCode // of another app, of another user
	case e.API == apiCheckData && e.Code == codeNoSuchData:
		return ErrBadData // not encrypted by WeChat, or more than three days ago
	case e.API != apiStableToken && isTokenErrcode(e.Code):
		return ErrUnavailable // after the token was replaced once
	}
	return ErrMisconfigured
}

func isTokenErrcode(code int) bool {
	return code == codeBadCredential || code == codeBadToken || code == codeTokenExpired
}

// errcodeError returns the error for an errcode.
func errcodeError(api string, code int, message string) *Error {
	e := &Error{API: api, Code: code, Message: message}
	switch {
	case code == codeRateLimited:
		e.RetryAfter = retryAfterRateLimit
	case code == codeQuota:
		e.RetryAfter = retryAfterQuota
	case errors.Is(e, ErrUnavailable):
		e.RetryAfter = retryAfterDefault
	}
	return e
}

// tooManyCallsOfUser returns the error for a user who has too many calls in flight.
// WeChat was not called.
func tooManyCallsOfUser(api string) *Error {
	return &Error{API: api, Code: codeRateLimited, Message: "not called: too many calls of this user in flight", RetryAfter: retryAfterDefault}
}

// unverified returns the error for a response without a valid signature.
func unverified(api, message string) *Error {
	return &Error{API: api, Message: message, RetryAfter: retryAfterDefault, unverified: true}
}

// unavailable returns the error for a call without a valid response.
func unavailable(api, message string, retryAfter time.Duration) *Error {
	return &Error{API: api, Message: message, RetryAfter: retryAfter}
}

// printable prepares text from outside for a log: it redacts secrets, query-escaped or
// not, replaces unprintable characters by spaces, and limits the length to maxMessage.
func printable(text string, secrets ...secret.Text) string {
	for _, s := range secrets {
		if s == "" {
			continue
		}
		text = strings.ReplaceAll(text, s.Reveal(), secret.Redacted)
		text = strings.ReplaceAll(text, url.QueryEscape(s.Reveal()), secret.Redacted)
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage])
	}
	return text
}
