package endpoint

import (
	"net/http"
	"testing"
)

func TestHEADIsAllowedWhereGETIsSafe(t *testing.T) {
	t.Parallel()
	for want, endpoints := range map[string][]endpoint{
		"GET, HEAD":      {{method: http.MethodGet}},
		"GET":            {{method: http.MethodGet, noHead: true}},
		"POST":           {{method: http.MethodPost}},
		"GET, HEAD, PUT": {{method: http.MethodPut}, {method: http.MethodGet}},
	} {
		if got := allowedMethods(endpoints); got != want {
			t.Errorf("Allow is %q instead of %q", got, want)
		}
		for _, e := range endpoints {
			if safeGet := e.method == http.MethodGet && !e.noHead; e.allows(http.MethodHead) != safeGet {
				t.Errorf("%s: HEAD allowed: %v", want, !safeGet)
			}
		}
	}
}
