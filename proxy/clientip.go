package proxy

import (
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"
)

// Proxies is the trusted_proxies list: whose X-Forwarded-For and its family are
// believed. The zero value trusts nobody.
type Proxies struct {
	prefixes []netip.Prefix
	// resolve is chi's walk over X-Forwarded-For, from the right, past trusted
	// hops; garbage in it gives no address at all.
	resolve func(http.Handler) http.Handler
}

// NewProxies makes the list of prefixes, which must be valid.
func NewProxies(prefixes []netip.Prefix) Proxies {
	if len(prefixes) == 0 {
		return Proxies{}
	}
	texts := make([]string, len(prefixes))
	for i, p := range prefixes {
		texts[i] = p.String()
	}
	return Proxies{prefixes: prefixes, resolve: middleware.ClientIPFromXFF(texts...)}
}

// peerOf is the address at the other end of the connection; the zero Addr
// where there is none (a unix socket).
func peerOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func (p Proxies) trusts(peer netip.Addr) bool {
	for _, prefix := range p.prefixes {
		if prefix.Contains(peer) {
			return true
		}
	}
	return false
}

// clientOf is who the request is from. Where the chain of a trusted proxy
// can't be read it is the proxy itself: nobody gains an address by sending garbage.
func (p Proxies) clientOf(r *http.Request, peer netip.Addr) netip.Addr {
	found := peer
	p.resolve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if ip := middleware.GetClientIPAddr(r.Context()); ip.IsValid() {
			found = ip
		}
	})).ServeHTTP(nil, r)
	return found
}
