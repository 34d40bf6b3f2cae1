package upstream

import (
	"net/netip"
	"slices"
	"strings"
)

// address is where one endpoint of a target is reached.
type address struct {
	name      string   // identifies the endpoint: another name is another endpoint
	dialAddrs []string // host:port, tried in turn
}

func newAddress(dialAddrs ...string) address {
	return address{name: strings.Join(dialAddrs, " "), dialAddrs: dialAddrs}
}

// unresolvedAddress is a target's address before its name was looked up: the dialer
// looks it up.
func unresolvedAddress(t *target) address { return newAddress(t.hostPort(t.URL.Hostname())) }

// addresses returns an address for each IP. A name with IPv4 and IPv6 addresses,
// several of one family, most likely names the same backends twice: only the larger
// family is used. With one address of each family, as for localhost, a backend may
// listen on either, so they are one address that tries both.
func addresses(t *target, ips []netip.Addr) []address {
	var v4, v6 []string
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() {
			v4 = append(v4, t.hostPort(ip.String()))
		} else {
			v6 = append(v6, t.hostPort(ip.String()))
		}
	}
	v4, v6 = sortedUnique(v4), sortedUnique(v6)
	if len(v4) == 1 && len(v6) == 1 {
		return []address{newAddress(v4[0], v6[0])}
	}
	dialAddrs := v4
	if len(v6) > len(v4) {
		dialAddrs = v6
	}
	found := make([]address, len(dialAddrs))
	for i, dial := range dialAddrs {
		found[i] = newAddress(dial)
	}
	return found
}

func sortedUnique(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
