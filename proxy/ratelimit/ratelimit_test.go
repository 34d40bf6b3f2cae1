package ratelimit_test

import (
	"net/netip"
	"testing"

	"wxgate/proxy/ratelimit"
)

// A client with an IPv6 prefix must not get a new limit with each of its addresses.
func TestIPv6AddressesShareTheLimitOfTheirPrefix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b netip.Addr
		same bool
	}{
		{netip.MustParseAddr("2001:db8:0:1::1"), netip.MustParseAddr("2001:db8:0:1:ffff::2"), true},
		{netip.MustParseAddr("2001:db8:0:1::1"), netip.MustParseAddr("2001:db8:0:2::1"), false},
		{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.1"), true},
		{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), false},
		{netip.Addr{}, netip.Addr{}, true},
		{netip.Addr{}, netip.MustParseAddr("192.0.2.1"), false},
	} {
		if same := ratelimit.Address(c.a) == ratelimit.Address(c.b); same != c.same {
			t.Errorf("%s and %s share a limit: %v", c.a, c.b, same)
		}
	}
}
