// Package apierror is the table of errors that the gateway itself answers with:
// one code, one status, one JSON body, on both listeners.
//
// An Error has a public part, Code and Message, and a Cause for the log alone.
package apierror

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Code names what went wrong; clients branch on it. It stands in the body's
// "error" and in the header X-Gateway-Error.
type Code string

// The codes, by the status that they are answered with.
const (
	BadRequest Code = "bad_request" // 400
	BadPath    Code = "bad_path"
	BadData    Code = "bad_data"

	TokenMissing    Code = "token_missing" // 401
	TokenInvalid    Code = "token_invalid"
	TokenExpired    Code = "token_expired"
	SessionEnded    Code = "session_ended"
	InvalidCode     Code = "invalid_code"
	SessionKeyStale Code = "session_key_stale"
	InvalidTicket   Code = "invalid_ticket"

	Forbidden     Code = "forbidden" // 403
	PhoneRequired Code = "phone_required"
	UserBlocked   Code = "user_blocked"
	CrossOrigin   Code = "cross_origin"
	ProofRequired Code = "proof_required"
	ProofInvalid  Code = "proof_invalid"
	ProofClock    Code = "proof_clock"
	ProofReplayed Code = "proof_replayed"
	ProofStale    Code = "proof_stale"

	NoRoute          Code = "no_route"           // 404
	NotFound         Code = "not_found"          // 404, private listener
	MethodNotAllowed Code = "method_not_allowed" // 405
	Timeout          Code = "timeout"            // 408
	BodyTooLarge     Code = "body_too_large"     // 413
	RateLimited      Code = "rate_limited"       // 429
	HeaderTooLarge   Code = "header_too_large"   // 431
	ClientClosed     Code = "client_closed"      // 499, in the log only
	Internal         Code = "internal_error"     // 500

	UpstreamError       Code = "upstream_error" // 502
	WeChatMisconfigured Code = "wechat_misconfigured"

	Overloaded        Code = "overloaded" // 503
	StoreUnavailable  Code = "store_unavailable"
	WeChatUnavailable Code = "wechat_unavailable"
	NoHealthyUpstream Code = "no_healthy_upstream"
	PrefetchDeclined  Code = "prefetch_declined"

	UpstreamTimeout Code = "upstream_timeout" // 504
)

var statuses = map[Code]int{
	BadRequest: 400, BadPath: 400, BadData: 400,
	TokenMissing: 401, TokenInvalid: 401, TokenExpired: 401,
	SessionEnded: 401, InvalidCode: 401, SessionKeyStale: 401, InvalidTicket: 401,
	Forbidden: 403, PhoneRequired: 403, UserBlocked: 403, CrossOrigin: 403,
	ProofRequired: 403, ProofInvalid: 403, ProofClock: 403, ProofReplayed: 403, ProofStale: 403,
	NoRoute: 404, NotFound: 404, MethodNotAllowed: 405,
	Timeout: 408, BodyTooLarge: 413, RateLimited: 429, HeaderTooLarge: 431,
	ClientClosed: 499, Internal: 500,
	UpstreamError: 502, WeChatMisconfigured: 502,
	Overloaded: 503, StoreUnavailable: 503, WeChatUnavailable: 503, NoHealthyUpstream: 503, PrefetchDeclined: 503,
	UpstreamTimeout: 504,
}

// Status is the HTTP status that goes with the code.
func (c Code) Status() int { return statuses[c] }

// Header marks every error answer that the gateway itself made.
const Header = "X-Gateway-Error"

// Error is an error that is told to a client.
type Error struct {
	Code    Code
	Message string // for a person; holds no secret and nothing the client sent

	// RetryAfter is sent in whole seconds, rounded up; 0 sends none.
	RetryAfter time.Duration

	// Allow is the Allow header's value; set on 405.
	Allow string

	// Close ends the connection after the answer: the request could not be
	// trusted to have been framed as the client meant it.
	Close bool

	// Time is the gateway's clock in Unix seconds, told on proof_clock; 0: not told.
	Time int64

	Cause error // for the log; never sent
}

// New makes an error with a message for a person.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Because adds the cause that the log shows.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Cause.Error()
}

func (e *Error) Unwrap() error { return e.Cause }

// Body is the JSON that a client gets.
type Body struct {
	Error     Code   `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
	Time      int64  `json:"time,omitempty"` // Unix seconds
}

// Write answers with the error. Headers already set on w (a request id, CORS)
// are kept; those that describe another body are replaced.
func Write(w http.ResponseWriter, requestID string, e *Error) {
	WriteBody(w, e, Body{e.Code, e.Message, requestID, e.Time})
}

// WriteBody is Write with a body that holds more than the usual fields.
func WriteBody(w http.ResponseWriter, e *Error, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		body = nil
	}
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Etag", "Last-Modified", "Accept-Ranges"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h[Header] = []string{string(e.Code)}
	e.setHeaders(h)
	w.WriteHeader(e.Code.Status())
	_, _ = w.Write(body)
}

func (e *Error) setHeaders(h http.Header) {
	if e.Code.Status() == http.StatusUnauthorized {
		// RFC 6750, section 3: the error is one of its own three; ours stands
		// in the description.
		h["WWW-Authenticate"] = []string{`Bearer error="invalid_token", error_description="` + string(e.Code) + `"`}
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Allow != "" {
		h.Set("Allow", e.Allow)
	}
	if e.Close {
		h.Set("Connection", "close")
	}
}
