package config

import (
	"fmt"
	"net/textproto"
	"strings"
	"testing"

	"wxgate/internal/httprule"
)

// controlledNames are header names of every class.
var controlledNames = []string{
	"X-Session-Token", "X-Gateway-Error", "X-Gateway-Proof", "X-Push-Dedupe", "Idempotency-Replayed",
	"X-Method-Override", "X-HTTP-Method", "X-Method", "X-HTTP-Method-Override",
	"X-OpenID", "X-Identity-Assertion", "X-WX-OPENID", "X-Real-IP", "X-Request-ID", "X-Forwarded-For", "X-Forwarded-Prefix", "Forwarded",
	"X-Original-URL", "X-Rewrite-URL", "Host", "Cookie", "Connection", "TE", "Content-Length", "Expect", "Sec-WebSocket-Key",
	"Authorization", "X-Cloudbase-Context", "X-Forwarded-User", "True-Client-IP", "X-Tenant", "Accept-Language",
}

// A rule is accepted exactly if httprule lets rules change the header, in any
// letter case: the file and the gateway must agree.
func TestHeaderRulesAreAcceptedByHeaderClass(t *testing.T) {
	t.Parallel()
	const identity = "identity: {assertion: {header: X-Identity-Assertion}}\n"
	headers := httprule.NewHeaders([]string{"X-OpenID", "X-UnionID", "X-AppID", "X-User-ID", "X-User-Roles", "X-Identity-Assertion"})
	for _, name := range controlledNames {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		for rule, allowed := range map[string]bool{
			"request_headers: {set: {%s: y}}":  headers.Request(canonical).RulesMayChange(),
			"request_headers: {remove: [%s]}":  headers.Request(canonical).RulesMayChange(),
			"response_headers: {set: {%s: y}}": headers.Response(canonical).RulesMayChange(),
			"response_headers: {remove: [%s]}": headers.Response(canonical).RulesMayChange(),
		} {
			for _, written := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
				_, err := parse(t, withRequiredKeys(identity+inRoute(fmt.Sprintf(rule, written))))
				if (err == nil) != allowed {
					t.Errorf(rule+": allowed %v, got %v", written, allowed, err)
				}
			}
		}
	}
}
