package proxy

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"wxgate/internal/httprule"
)

// setForwarded tells the backend who is asking and how. A trusted proxy's own
// word is carried on where it can be read.
func (x *exchange) setForwarded(h *outHeader) {
	proto, host := x.scheme(), x.r.Host
	chain := x.clientText
	if x.trusted {
		chain = x.forwardedFor()
		if told := lastValue(x.r.Header["X-Forwarded-Host"]); httprule.ValidHost(told) {
			host = told
		}
		dropBadPort(h.Header)
	}
	h.put("X-Real-IP", x.clientText)
	h.put("X-Forwarded-For", chain)
	h.put("X-Forwarded-Proto", proto)
	h.put("X-Forwarded-Host", host)
	h.put("X-Request-ID", x.id)
}

// scheme is how the client came: by TLS here, or as a trusted proxy says.
func (x *exchange) scheme() string {
	if x.trusted {
		if told := lastValue(x.r.Header["X-Forwarded-Proto"]); told == "http" || told == "https" {
			return told
		}
	}
	if x.r.TLS != nil {
		return "https"
	}
	return "http"
}

// forwardedFor is the chain with the peer added. One entry that is no address
// makes all of it worthless: then it is the client alone.
func (x *exchange) forwardedFor() string {
	var chain []string
	for _, line := range x.r.Header["X-Forwarded-For"] {
		for entry := range strings.SplitSeq(line, ",") {
			addr, err := netip.ParseAddr(strings.TrimSpace(entry))
			if err != nil || len(chain) > 50 {
				return x.clientText
			}
			chain = append(chain, addrText(addr.Unmap().WithZone("")))
		}
	}
	return strings.Join(append(chain, addrText(x.peer)), ", ")
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func lastValue(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// dropBadPort removes an X-Forwarded-Port that is no port.
func dropBadPort(h http.Header) {
	const name = "X-Forwarded-Port"
	if values, ok := h[name]; ok {
		if port, err := strconv.ParseUint(lastValue(values), 10, 16); err != nil || port == 0 || len(values) != 1 {
			delete(h, name)
		}
	}
}
