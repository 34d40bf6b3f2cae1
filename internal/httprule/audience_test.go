package httprule

import "testing"

func TestReservedRouteNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"push": true, "Login-Hook": true, "wxgate-probe": true, "pushes": false, "": false, "/api/": false} {
		if ReservedRouteName(name) != want {
			t.Errorf("ReservedRouteName(%q) is %v", name, !want)
		}
	}
}
