// Package httprule holds the rules that the configuration and both listeners
// must agree on: which request targets, hosts and header names are accepted,
// which headers belong to the gateway, which methods it forwards, and what a
// role or a user id may look like. Each rule stands here once, so that "wxgate
// check" can't accept what the gateway refuses.
//
// The package knows nothing of the rest of the module. Its functions report a
// bool or a plain error; their callers choose the answer.
package httprule

// JWKSPath is where the public keys of the identity assertion are, on both
// listeners (RFC 7517).
const JWKSPath = "/.well-known/jwks.json"

// Headers of the gateway's own interface, in canonical form.
const (
	SessionToken   = "X-Session-Token"      // a fresh token that takes the old one's place
	GatewayError   = "X-Gateway-Error"      // marks every error that the gateway made
	RequestIDName  = "X-Request-Id"         // on requests, answers and in logs
	GatewayProof   = "X-Gateway-Proof"      // a request's signature under WeChat's user key
	IdempotencyKey = "Idempotency-Key"      // repeats a login whose answer was lost
	Replayed       = "Idempotency-Replayed" // set by some gateways on a repeated answer
	PushDedupe     = "X-Push-Dedupe"        // "off": a push was not checked for repeats
)

// isAlphanumeric: ASCII letters and digits.
func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isHex: the digits of an escape.
func isHex(c byte) bool {
	_, ok := hexValue(c)
	return ok
}

func hexValue(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
