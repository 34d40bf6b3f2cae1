package proxy

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Proxies is the trusted_proxies list: whose X-Forwarded-For and its family are
// believed. The zero value trusts nobody.
type Proxies []netip.Prefix

// maxHops bounds the addresses of an X-Forwarded-For that are read.
const maxHops = 50

// setClient finds out whom the request is from.
func (rc *requestContext) setClient() {
	rc.peer = peerAddr(rc.r)
	rc.client = rc.peer
	if proxies := rc.config.Proxies; proxies.trust(rc.peer) {
		rc.trusted = true
		rc.client = proxies.clientOf(rc.r.Header["X-Forwarded-For"], rc.peer)
	}
	rc.clientText = rc.textOf(rc.client)
}

// textOf is addrText, without making the usual text anew.
func (rc *requestContext) textOf(a netip.Addr) string {
	var room [64]byte
	if host, _, ok := cutLast(rc.r.RemoteAddr, ':'); ok && a.IsValid() && string(a.AppendTo(room[:0])) == host {
		return host
	}
	return addrText(a)
}

// cutLast cuts around the last sep.
func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// peerAddr is the address at the other end of the connection; the zero Addr
// where there is none (a unix socket).
func peerAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func (p Proxies) trust(peer netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(peer) {
			return true
		}
	}
	return false
}

// clientOf is the rightmost address of X-Forwarded-For that is no trusted
// proxy's: what stands left of it may be the client's invention. Where the
// chain of a trusted proxy can't be read, or names trusted proxies only, the
// client is the peer: nobody gains an address by sending garbage.
func (p Proxies) clientOf(lines []string, peer netip.Addr) netip.Addr {
	chain, ok := forwardedChain(lines)
	if !ok {
		return peer
	}
	for i := len(chain) - 1; i >= 0; i-- {
		if !p.trust(chain[i]) {
			return chain[i]
		}
	}
	return peer
}

// forwardedChain reads X-Forwarded-For. One entry that is no address makes all
// of it worthless.
func forwardedChain(lines []string) ([]netip.Addr, bool) {
	var chain []netip.Addr
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			addr, ok := forwardedAddr(strings.TrimSpace(entry))
			if !ok || len(chain) == maxHops {
				return nil, false
			}
			chain = append(chain, addr)
		}
	}
	return chain, true
}

// forwardedAddr reads one entry: an address, perhaps with a port, an IPv6
// address perhaps in brackets. Azure's and AWS's balancers add ports.
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

// untrustedForwarding warns of a balancer that is missing in trusted_proxies:
// all its clients then count as one address, and share its limits.
type untrustedForwarding struct {
	last atomic.Int64 // Unix nanoseconds of the last warning
}

// untrustedWarnings is the least time between two warnings.
const untrustedWarnings = time.Minute

func (u *untrustedForwarding) check(rc *requestContext, log *zap.Logger) {
	if rc.trusted || len(rc.r.Header["X-Forwarded-For"]) == 0 {
		return
	}
	last, now := u.last.Load(), rc.start.UnixNano()
	if now-last < int64(untrustedWarnings) || !u.last.CompareAndSwap(last, now) {
		return
	}
	log.Warn("X-Forwarded-For came from an address that is not in trusted_proxies and is ignored; "+
		"if that is your load balancer, list it: all its clients count as one address until then",
		zap.Stringer("peer", rc.peer))
}
