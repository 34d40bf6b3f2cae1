package config

import (
	"fmt"
	"strings"
	"testing"

	"wxgate/internal/httprule"
)

// A route that requires a role that the login hook can't return would refuse
// every user.
func TestARouteRequiresOnlyRolesThatTheLoginHookCanReturn(t *testing.T) {
	t.Parallel()
	for _, role := range []string{
		"admin", "店长", "a b", strings.Repeat("x", httprule.MaxRoleBytes), strings.Repeat("x", httprule.MaxRoleBytes+1),
		strings.Repeat("x", 100), strings.Repeat("店", 22), "a\u0085b", "a\tb", "",
	} {
		_, err := parse(t, withRequiredKeys(inRoute(fmt.Sprintf("require: {roles: [%q]}", role))))
		if (err == nil) != httprule.ValidRole(role) {
			t.Errorf("a role of %d bytes, %.20q: the hook can return it: %v; the file: %v", len(role), role, httprule.ValidRole(role), err)
		}
	}
}
