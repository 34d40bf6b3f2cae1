package config

import (
	"errors"
	"fmt"
	"net/netip"
)

// Network is a range of addresses, such as 10.0.0.0/8 or fd00::/8, or a single
// address.
type Network struct{ netip.Prefix }

// The prefix lengths of the largest private networks: 10.0.0.0/8 and fc00::/7.
const (
	minIPv4Bits = 8
	minIPv6Bits = 7
)

// UnmarshalText refuses larger networks: the headers of a trusted proxy decide
// which client address rate limits, logs and backends use.
func (n *Network) UnmarshalText(text []byte) error {
	prefix, err := parseNetwork(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a network such as 10.0.0.0/8 or 192.168.1.7", Quote(string(text)))
	}
	if prefix.Addr().Is4In6() {
		return errors.New("write an IPv4 network as such, not as ::ffff:…")
	}
	minBits := minIPv6Bits
	if prefix.Addr().Is4() {
		minBits = minIPv4Bits
	}
	if prefix.Bits() < minBits {
		return fmt.Errorf("%s would trust clients too: list the proxies' own networks, /%d or smaller", prefix, minBits)
	}
	n.Prefix = prefix.Masked()
	return nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}
