package httprule

import (
	"strings"
	"testing"
)

// A host of the configuration must be one that a request's Host can match.
func TestEveryConfiguredHostCanBeRoutedTo(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"gw.test": true, "a_b.c-d.test": true, "10.0.0.1": true, "xn--gw-cja.test": true,
		"": false, "gw.test:80": false, "-a.test": false, "a-.test": false, "a..b": false, "中.test": false, strings.Repeat("a", 64) + ".test": false,
		strings.Repeat("a.", 127): false,
	} {
		if got := validHostname(host); got != want {
			t.Errorf("validHostname(%q) is %v", host, got)
		}
		if routed, ok := RoutingHost(host); want && (!ok || routed != host) {
			t.Errorf("RoutingHost(%q) is %q, %v", host, routed, ok)
		}
	}
	if !ValidRouteHost("*.gw.test") || ValidRouteHost("*.*.test") || ValidRouteHost("*") {
		t.Error("a route's host is a name, or *. followed by a name")
	}
}
