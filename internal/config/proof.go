package config

import "slices"

// Values of routes[].proof.
const (
	proofOff    = "off"
	proofSign   = "sign"
	proofReport = "report"
)

// maxProofBody bounds the body of a signed request: it is buffered, so that its
// hash is checked before any of it is forwarded.
const maxProofBody = mib

// checkProof accepts proof only on routes whose requests can be signed: by a user's
// key, in WeChat's client, with a body that can be buffered. Without max_body the route
// gets maxProofBody, unless limits.max_body is lower.
func (v *validator) checkProof(key string, route *Route) {
	if route.Proof == proofOff {
		if route.UnsignedUploads {
			v.errorf(key+".unsigned_uploads", "needs proof: sign or report")
		}
		return
	}
	switch {
	case route.Auth != "required":
		v.errorf(key+".proof", "%s needs auth: required: the key is the user's", route.Proof)
	case slices.Contains(route.Credentials, CredentialCookie):
		v.errorf(key+".proof", "%s can't be combined with credentials: [bearer, cookie]: web pages have no key", route.Proof)
	case route.MaxBody > maxProofBody:
		v.errorf(key+".max_body", "%v is more than %v, the limit of proof: %s", route.MaxBody, maxProofBody, route.Proof)
	}
	if route.MaxBody == 0 && (v.Limits.MaxBody == 0 || v.Limits.MaxBody > maxProofBody) {
		route.MaxBody = maxProofBody
	}
}
