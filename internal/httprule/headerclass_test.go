package httprule

import (
	"net/textproto"
	"testing"
)

func TestHeaderClasses(t *testing.T) {
	t.Parallel()
	headers := NewHeaders([]string{"x-member", "X-OpenID"})
	for _, test := range []struct {
		name              string
		request, response Class
	}{
		{"Accept", Ordinary, Ordinary},
		{"X-Custom", Ordinary, Ordinary},
		{"X-OpenID2", Ordinary, Ordinary},
		{"X-OpenID", Identity, Identity},
		{"X-Member", Identity, Identity},
		{"X-WX-OPENID", Identity, Identity},
		{"X-WX-FROM-OPENID", Identity, Ordinary},
		{"X-User-ID", OtherIdentity, Ordinary},
		{"Authorization", OtherIdentity, Ordinary},
		{"X-Cloudbase-Context", OtherIdentity, Ordinary},
		{"X-Cloudbase-Credentials", OtherIdentity, Ordinary},
		{"X-TT-OPENID", OtherIdentity, Ordinary},
		{"X-Forwarded-User", OtherIdentity, Ordinary},
		{"Cf-Access-Jwt-Assertion", OtherIdentity, Ordinary},
		{"Connection", Connection, Connection},
		{"TE", Connection, Connection},
		{"Content-Length", Connection, Controlled},
		{"Host", Connection, Ordinary},
		{"Cookie", Controlled, Ordinary},
		{"Set-Cookie", Ordinary, Controlled},
		{"Sec-WebSocket-Protocol", Controlled, Controlled},
		{"Expect", Controlled, Ordinary},
		{"X-Session-Token", Gateway, Gateway},
		{"X-Gateway-Error", Gateway, Gateway},
		{"X-Gateway-Proof", Gateway, Ordinary},
		{"X-Request-ID", Gateway, Gateway},
		{"X-HTTP-Method", Gateway, Ordinary},
		{"X-Method-Override", Gateway, Ordinary},
		{"Idempotency-Replayed", Gateway, Ordinary},
		{"X-Forwarded-For", Gateway, Ordinary},
		{"X-Forwarded-Prefix", Forwarded, Ordinary},
		{"X-Original-Forwarded-For", Forwarded, Ordinary},
		{"X-Rewrite-URL", Forwarded, Ordinary},
		{"Forwarded", Forwarded, Ordinary},
		{"True-Client-IP", ForwardedVendor, Ordinary},
		{"X_OpenID", Malformed, Ordinary},
		{"X.OpenID", Malformed, Ordinary},
		{"X-OpenID-", Malformed, Ordinary},
		{"", Malformed, Ordinary},
	} {
		name := textproto.CanonicalMIMEHeaderKey(test.name)
		if got := headers.Request(name); got != test.request {
			t.Errorf("request header %s has class %d, want %d", name, got, test.request)
		}
		if got := headers.Response(name); got != test.response {
			t.Errorf("response header %s has class %d, want %d", name, got, test.response)
		}
	}
}

// A route's header rules must not undo the protection of the gateway's headers.
// They may set names that only other gateways and CDNs use.
func TestHeaderRulesMayChangeOrdinaryAndForeignHeadersOnly(t *testing.T) {
	t.Parallel()
	for class := Ordinary; class <= Malformed; class++ {
		changeable := class == Ordinary || class == OtherIdentity || class == ForwardedVendor
		if class.RulesMayChange() != changeable {
			t.Errorf("class %d: RulesMayChange is %v", class, !changeable)
		}
	}
}
