package httprule

import (
	"strings"
	"testing"
)

func TestAppIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"wx0123456789abcdef": true, "a-b_C": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "wx 1": false, "wx/1": false, "wx1\n": false, "微信": false,
	} {
		if ValidAppID(text) != want {
			t.Errorf("ValidAppID(%q) is %v", text, !want)
		}
	}
}
