package httprule

import "testing"

func TestMethods(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]bool{"GET": true, "PROPFIND": true, "M-SEARCH": true, "get": false, "": false, "CONNECT": false, "TRACE": false, "GE T": false} {
		if ValidMethod(method) != want {
			t.Errorf("ValidMethod(%q) is %v", method, !want)
		}
	}
	for _, method := range DefaultMethods() {
		if !ValidMethod(method) || !IsDefaultMethod(method) {
			t.Errorf("the default method %s is not valid", method)
		}
	}
}
