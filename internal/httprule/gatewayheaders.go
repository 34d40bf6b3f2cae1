package httprule

// Headers of the gateway's own interface, in canonical form.
const (
	SessionTokenHeader        = "X-Session-Token"      // a renewed token, which replaces the client's
	GatewayErrorHeader        = "X-Gateway-Error"      // the error code, on every error response that the gateway makes itself
	RequestIDHeader           = "X-Request-Id"         // on requests, responses and in logs
	GatewayProofHeader        = "X-Gateway-Proof"      // a request's signature under WeChat's user key
	IdempotencyKeyHeader      = "Idempotency-Key"      // repeats a login whose response was lost
	IdempotencyReplayedHeader = "Idempotency-Replayed" // some gateways set it on a repeated response
	PushDedupeHeader          = "X-Push-Dedupe"        // "off": a push was not checked for repeats
)

// gatewayRequest are the headers that only the gateway sets on requests to a backend, or
// that it consumes from a client. The identity headers are not among them: their names are
// configured (NewHeaders).
var gatewayRequest = [...]string{
	"X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", RequestIDHeader,
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Method",
	GatewayErrorHeader, SessionTokenHeader, GatewayProofHeader, IdempotencyReplayedHeader, PushDedupeHeader,
}

// gatewayResponse are the headers that only the gateway sets on responses to a client.
var gatewayResponse = [...]string{GatewayErrorHeader, SessionTokenHeader, RequestIDHeader}
