package httprule

import (
	"net/http"
	"strings"
	"testing"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	sent := func(values ...string) string { return RequestID(http.Header{RequestIDHeader: values}) }
	if got := sent("abc_1.2-3"); got != "abc_1.2-3" {
		t.Errorf("a valid id became %q", got)
	}
	for _, bad := range [][]string{{""}, {"a b"}, {"a\n"}, {"a", "b"}, {strings.Repeat("a", 129)}, nil} {
		if got := sent(bad...); len(got) != 32 || !validRequestID(got) {
			t.Errorf("for %q the id is %q", bad, got)
		}
	}
	if one, other := RequestID(nil), RequestID(nil); one == other {
		t.Error("two ids are the same")
	}
}
