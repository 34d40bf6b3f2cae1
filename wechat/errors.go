package wechat

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"

	"wxgate/secret"
)

// What a caller may have to tell apart. Test with errors.Is; an *Error has the
// details where WeChat or the way to it was at fault.
var (
	// ErrUnknownApp: no app of this id is configured.
	ErrUnknownApp = errors.New("wechat: unknown app")
	// ErrBadCode: the code has a length or characters that WeChat's codes never
	// have (see ValidCode). WeChat was not asked.
	ErrBadCode = errors.New("wechat: malformed code")
	// ErrInvalidCode: wrong, used or run out, or of another app or user; the
	// client must get a new one (40029, 40163, 41008; for a phone number also
	// 40013 and 40003, which there speak of the code).
	ErrInvalidCode = errors.New("wechat: invalid code")
	// ErrUserBlocked: WeChat rates the user as high risk (40226). Never repeat.
	ErrUserBlocked = errors.New("wechat: user blocked")
	// ErrRateLimited: too many calls for this user in this minute (45011).
	ErrRateLimited = errors.New("wechat: rate limited")
	// ErrMisconfigured: the operator has to mend something (40013, 40125, 40164,
	// 40243, 41002, 41004 and every errcode that is not named elsewhere). The log
	// says what, and so does Error.Hint.
	ErrMisconfigured = errors.New("wechat: misconfigured")
	// ErrUnavailable: WeChat is busy (-1 twice), out of quota (45009), not
	// answering, giving a malformed answer, or not called because the circuit breaker
	// is open or too many calls are in flight. A login code may or may not be used up.
	ErrUnavailable = errors.New("wechat: unavailable")
	// ErrKeyStale: the session key is no longer the user's (87009): log in again.
	ErrKeyStale = errors.New("wechat: session key stale")
	// ErrBadData: open data that doesn't decrypt or is not meant for this app or
	// time, or a signature that doesn't match. It never says which.
	ErrBadData = errors.New("wechat: bad data")
)

// Codes that WeChat puts into errcode, as far as they are acted upon.
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

// When to try again: WeChat doesn't say. Its user quota is counted by the minute.
const (
	retryAfterQuota     = time.Minute
	retryAfterRateLimit = time.Minute
	retryAfterDefault   = time.Second
)

// maxMessage bounds the text of WeChat and others in an Error, in characters.
const maxMessage = 300

// Error is a call that WeChat refused, or that got no proper answer. It unwraps
// to the Err… value of its class.
type Error struct {
	API        string        // the path called, without query
	Code       int           // errcode; 0: no proper answer came
	Message    string        // errmsg with its rid, or what failed on the way; at most 300 characters, no secret
	RetryAfter time.Duration // when to try again; 0: no use in it

	unverified bool // an answer came, but not one that could be verified
}

func (e *Error) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("wechat: %s: %s", e.API, e.Message)
	}
	return fmt.Sprintf("wechat: %s: errcode %d: %s", e.API, e.Code, e.Message)
}

// Unwrap gives the class of the error.
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

// unwrapByAPI classifies the codes that mean one thing here and another there.
func (e *Error) unwrapByAPI() error {
	switch {
	case e.API == apiPhone && (e.Code == codeBadAppID || e.Code == codeBadOpenID):
		return ErrInvalidCode // of another app, of another user
	case e.API == apiCheckData && e.Code == codeNoSuchData:
		return ErrBadData // not WeChat's, or older than three days
	case e.API != apiStableToken && isDeadToken(e.Code):
		return ErrUnavailable // also after the token was replaced: not the client's doing
	}
	return ErrMisconfigured
}

// Hint tells the operator what to do about the error; "" where nothing is to do.
func (e *Error) Hint() string {
	switch e.Code {
	case codeBadAppID:
		return "WeChat doesn't know this appid: correct it in the configuration"
	case codeBadSecret:
		return "the AppSecret is wrong or was reset: put the one from the WeChat console (development settings) into the configuration"
	case codeBadIP:
		return e.hintIP()
	case codeSecretFrozen:
		return "the AppSecret is frozen: unfreeze it in the WeChat console (development settings)"
	case codeQuota:
		return "the daily quota is used up: ask WeChat for a higher one, or clear it in the WeChat console"
	case codeNotAuthorised:
		return "the app has no permission for this API: get it in the WeChat console"
	}
	if e.API == apiStableToken && e.Code == codeBadCredential {
		return "the AppSecret is wrong or was reset: put the one from the WeChat console (development settings) into the configuration"
	}
	if errors.Is(e, ErrMisconfigured) {
		return "look the rid of the message up within seven days in the WeChat console or with /cgi-bin/openapi/rid/get"
	}
	return ""
}

func (e *Error) hintIP() string {
	ip := e.IP()
	if ip == "" {
		ip = "of this gateway"
	}
	return "add the address " + ip + " to the IP whitelist of the app in the WeChat console (development settings)"
}

// IP is the address that WeChat names when it refuses the caller's (40164).
func (e *Error) IP() string {
	for word := range strings.FieldsSeq(e.Message) {
		word = strings.Trim(word, ",;.()[]")
		if addr, err := netip.ParseAddr(word); err == nil {
			return addr.Unmap().String()
		}
	}
	return ""
}

func isDeadToken(code int) bool {
	return code == codeBadCredential || code == codeBadToken || code == codeTokenExpired
}

// refusal is the error for an errcode.
func refusal(api string, code int, message string) *Error {
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

// tooManyOfUser is the error where a user has too many calls under way. WeChat was
// not called.
func tooManyOfUser(api string) *Error {
	return &Error{API: api, Code: codeRateLimited, Message: "not called: too many calls of this user in flight", RetryAfter: retryAfterDefault}
}

// unverified is the error where an answer came that has no valid signature.
func unverified(api, message string) *Error {
	return &Error{API: api, Message: message, RetryAfter: retryAfterDefault, unverified: true}
}

// unavailable is the error where no proper answer came.
func unavailable(api, message string, retryAfter time.Duration) *Error {
	return &Error{API: api, Message: message, RetryAfter: retryAfter}
}

// printable makes foreign text fit for a log: no secret, as it is or as a query
// has it, no control characters, not long.
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
