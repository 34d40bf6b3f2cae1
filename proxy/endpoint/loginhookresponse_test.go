package endpoint

import (
	"encoding/json"
	"strings"
	"testing"

	"wxgate/internal/httprule"
)

func TestTheLoginHookAndTheConfigAllowTheSameRoles(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"admin", "管理员", "a,b", strings.Repeat("r", httprule.MaxRoleBytes), strings.Repeat("r", httprule.MaxRoleBytes+1), "", "a\n", "\xff", "a\u0085"} {
		if got := (hookResponse{Roles: []string{role}}).validate() == nil; got != httprule.ValidRole(role) {
			t.Errorf("role %q: accepted from the hook: %v", role, got)
		}
	}
	for n, want := range map[int]bool{0: true, httprule.MaxRoles: true, httprule.MaxRoles + 1: false} {
		roles := make([]string, n)
		for i := range roles {
			roles[i] = "r"
		}
		if got := (hookResponse{Roles: roles}).validate() == nil; got != want {
			t.Errorf("%d roles: %v", n, got)
		}
	}
}

func TestUserIDsAreStringsOrNumbers(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{`"u1"`: "u1", `42`: "42", `12345678901234567890`: "12345678901234567890", `1.5`: "1.5", `{}`: "", `[1]`: "", `true`: ""} {
		var id userID
		if err := json.Unmarshal([]byte(raw), &id); string(id) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", raw, id, err)
		}
	}
}
