package proxy

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// TrustedProxies are the networks of trusted_proxies: X-Forwarded-For and its family are
// used if the peer is in one of them. The zero value trusts no peer.
type TrustedProxies []netip.Prefix

// maxForwardedHops limits the number of addresses in X-Forwarded-For.
const maxForwardedHops = 50

// setClientAddress determines the address of the client.
func (rs *requestState) setClientAddress() {
	rs.peer = peerAddr(rs.r)
	rs.client = rs.peer
	if proxies := rs.config.TrustedProxies; proxies.contain(rs.peer) {
		rs.trusted = true
		rs.client = proxies.clientAddress(rs.r.Header["X-Forwarded-For"], rs.peer)
	}
	rs.clientText = rs.addressText(rs.client)
}

// addressText is addrText; for the peer's address it allocates no string.
func (rs *requestState) addressText(a netip.Addr) string {
	var buf [64]byte
	if host, _, ok := cutLast(rs.r.RemoteAddr, ':'); ok && a.IsValid() && string(a.AppendTo(buf[:0])) == host {
		return host
	}
	return addrText(a)
}

// cutLast is strings.Cut at the last sep.
func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// peerAddr is the remote address of the connection; the zero Addr for a unix socket.
func peerAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func (p TrustedProxies) contain(addr netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// clientAddress returns the rightmost address of X-Forwarded-For that is not a trusted
// proxy's: the client can forge the addresses to the left of it. If the header is
// invalid, or names trusted proxies only, it is the peer's address: an invalid header
// must not give a client another address.
func (p TrustedProxies) clientAddress(lines []string, peer netip.Addr) netip.Addr {
	chain, ok := forwardedChain(lines)
	if !ok {
		return peer
	}
	for i := len(chain) - 1; i >= 0; i-- {
		if !p.contain(chain[i]) {
			return chain[i]
		}
	}
	return peer
}

// forwardedChain parses X-Forwarded-For. One entry that is no address makes all of it
// invalid.
func forwardedChain(lines []string) ([]netip.Addr, bool) {
	var chain []netip.Addr
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			addr, ok := forwardedAddr(strings.TrimSpace(entry))
			if !ok || len(chain) == maxForwardedHops {
				return nil, false
			}
			chain = append(chain, addr)
		}
	}
	return chain, true
}

// forwardedAddr parses one entry: an address with or without a port, an IPv6 address
// with or without brackets. The load balancers of Azure and AWS add ports.
func forwardedAddr(entry string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(entry)
	if err != nil {
		if inner, bracketed := strings.CutPrefix(entry, "["); bracketed && strings.HasSuffix(inner, "]") {
			addr, err = netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		} else {
			var ap netip.AddrPort
			ap, err = netip.ParseAddrPort(entry)
			addr = ap.Addr()
		}
	}
	return addr.Unmap().WithZone(""), err == nil
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// missingProxyWarning logs a warning about a load balancer that is missing in
// trusted_proxies: all its clients have its address then, and share the limits of one client.
type missingProxyWarning struct {
	last atomic.Int64 // Unix nanoseconds of the last warning
}

// missingProxyInterval is the minimum time between two warnings.
const missingProxyInterval = time.Minute

func (w *missingProxyWarning) check(rs *requestState, log *zap.Logger) {
	if rs.trusted || len(rs.r.Header["X-Forwarded-For"]) == 0 {
		return
	}
	last, now := w.last.Load(), rs.start.UnixNano()
	if now-last < int64(missingProxyInterval) || !w.last.CompareAndSwap(last, now) {
		return
	}
	log.Warn("ignoring X-Forwarded-For from an address that is not in trusted_proxies; "+
		"if it is your load balancer, add it: until then all its clients count as one address",
		zap.Stringer("peer", rs.peer))
}
