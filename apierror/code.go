package apierror

// Code names what went wrong; clients branch on it. It is the body's "error" and
// the value of the header X-Gateway-Error.
type Code string

// The codes, grouped by their status.
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

// Status returns the HTTP status of the code.
func (c Code) Status() int { return statuses[c] }
