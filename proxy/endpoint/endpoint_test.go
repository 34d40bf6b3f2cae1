package endpoint

import (
	"testing"

	"wxgate/internal/httprule"
)

func TestTheGatewayOwnsItsPrefixAndTheJWKSPath(t *testing.T) {
	t.Parallel()
	h := New(Options{}, Config{Prefix: "/login-service"})
	for path, want := range map[string]bool{
		"/login-service": true, "/login-service/": true, "/login-service/login": true, "/login-service/nothing": true, "/login-services": false, "/login": false,
		httprule.JWKSPath: true, httprule.JWKSPath + "/x": false,
	} {
		if h.Owns(path) != want {
			t.Errorf("the gateway owns %s: %v", path, !want)
		}
	}
}
