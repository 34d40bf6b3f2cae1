package config

import "slices"

// Words of routes[].proof.
const (
	proofOff    = "off"
	proofSign   = "sign"
	proofReport = "report"
)

// maxProofBody is the largest body that a proof covers: its hash is compared
// before a byte goes on.
const maxProofBody = mib

// checkProof holds a route to what a signed request is: one of a known user,
// sent by WeChat's client, of a body that fits into memory.
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
	case slices.Contains(route.Credentials, Cookie):
		v.errorf(key+".proof", "%s can't go with credentials: [bearer, cookie]: pages have no key", route.Proof)
	case route.MaxBody > maxProofBody:
		v.errorf(key+".max_body", "%v is more than %v, which is what proof: %s covers", route.MaxBody, maxProofBody, route.Proof)
	}
	if route.MaxBody == 0 && (v.Limits.MaxBody == 0 || v.Limits.MaxBody > maxProofBody) {
		route.MaxBody = maxProofBody
	}
}
