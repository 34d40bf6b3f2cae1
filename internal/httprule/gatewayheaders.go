package httprule

// Headers of the gateway's own interface, in canonical form.
const (
	SessionTokenHeader        = "X-Session-Token"      // a renewed token, which replaces the client's
	GatewayErrorHeader        = "X-Gateway-Error"      // the error code, on every error response of the gateway's own
	RequestIDHeader           = "X-Request-Id"         // on requests, responses and in logs
	GatewayProofHeader        = "X-Gateway-Proof"      // a request's signature under WeChat's user key
	IdempotencyKeyHeader      = "Idempotency-Key"      // repeats a login whose response was lost
	IdempotencyReplayedHeader = "Idempotency-Replayed" // some gateways set it on a repeated response
	PushDedupeHeader          = "X-Push-Dedupe"        // "off": a push was not checked for repeats
)
