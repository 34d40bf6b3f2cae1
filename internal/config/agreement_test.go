package config

import (
	"fmt"
	"net/textproto"
	"strings"
	"testing"

	"wxgate/internal/httprule"
)

// What the file accepts is what the gateway does: a role that a route asks for
// is one that the login hook can give.
func TestARouteAsksOnlyForRolesThatTheHookCanGive(t *testing.T) {
	t.Parallel()
	for _, role := range []string{
		"admin", "店长", "a b", strings.Repeat("x", httprule.MaxRoleBytes), strings.Repeat("x", httprule.MaxRoleBytes+1),
		strings.Repeat("x", 100), strings.Repeat("店", 22), "a\u0085b", "a\tb", "",
	} {
		_, err := parse(t, around(inRoute(fmt.Sprintf("require: {roles: [%q]}", role))))
		if (err == nil) != httprule.ValidRole(role) {
			t.Errorf("a role of %d bytes, %.20q: the hook can give it: %v; the file: %v", len(role), role, httprule.ValidRole(role), err)
		}
	}
}

// ownedNames have each been accepted in request_headers once, or belong to the
// same families.
var ownedNames = []string{
	"X-Session-Token", "X-Gateway-Error", "X-Gateway-Proof", "X-Push-Dedupe", "Idempotency-Replayed",
	"X-Method-Override", "X-HTTP-Method", "X-Method", "X-HTTP-Method-Override",
	"X-OpenID", "X-Identity-Assertion", "X-WX-OPENID", "X-Real-IP", "X-Request-ID", "X-Forwarded-For", "X-Forwarded-Prefix", "Forwarded",
	"X-Original-URL", "X-Rewrite-URL", "Host", "Cookie", "Connection", "TE", "Content-Length", "Expect", "Sec-WebSocket-Key",
	"Authorization", "X-Cloudbase-Context", "X-Forwarded-User", "True-Client-IP", "X-Tenant", "Accept-Language",
}

// Rules of a route touch what their class allows, and nothing else, in any case.
func TestHeaderRulesFollowTheClassesOfTheGateway(t *testing.T) {
	t.Parallel()
	const identity = "identity: {assertion: {header: X-Identity-Assertion}}\n"
	headers := httprule.NewHeaders([]string{"X-OpenID", "X-UnionID", "X-AppID", "X-User-ID", "X-User-Roles", "X-Identity-Assertion"})
	for _, name := range ownedNames {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		for rule, allowed := range map[string]bool{
			"request_headers: {set: {%s: y}}":  headers.Request(canonical).RulesMayChange(),
			"request_headers: {remove: [%s]}":  headers.Request(canonical).RulesMayChange(),
			"response_headers: {set: {%s: y}}": headers.Response(canonical).RulesMayChange(),
			"response_headers: {remove: [%s]}": headers.Response(canonical).RulesMayChange(),
		} {
			for _, written := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
				_, err := parse(t, around(identity+inRoute(fmt.Sprintf(rule, written))))
				if (err == nil) != allowed {
					t.Errorf(rule+": allowed %v, got %v", written, allowed, err)
				}
			}
		}
	}
}
