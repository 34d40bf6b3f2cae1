package httprule

import (
	"strings"
	"testing"
)

func TestRolesAndUserIDs(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]bool{"admin": true, "管理员": true, "": false, strings.Repeat("r", 64): true, strings.Repeat("r", 65): false, "a\n": false, "a\u0085": false, "\xff": false} {
		if ValidRole(role) != want {
			t.Errorf("ValidRole(%q) is %v", role, !want)
		}
	}
	if !ValidUserID("") || !ValidUserID(strings.Repeat("1", 128)) || ValidUserID(strings.Repeat("1", 129)) {
		t.Error("a user id has at most 128 bytes")
	}
}
