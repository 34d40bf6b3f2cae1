package proxy

import (
	"strconv"
	"strings"

	"wxgate/internal/httprule"
)

// setForwarded tells the backend whom the request is from and how it came. What
// a trusted proxy says is passed on where it can be read.
func (rc *requestContext) setForwarded(h *outHeader) {
	chain := rc.clientText
	if rc.trusted {
		chain = rc.forwardedFor()
		dropBadPort(h)
	}
	h.put("X-Real-IP", rc.clientText)
	h.put("X-Forwarded-For", chain)
	h.put("X-Forwarded-Proto", rc.scheme())
	h.put("X-Forwarded-Host", rc.publicHost())
	h.put("X-Request-ID", rc.id)
	rc.setForwardedPrefix(h)
	if rc.config.Identity.CloudRun {
		h.Delete("X-Original-Forwarded-For")
		h.put("X-Original-Forwarded-For", rc.clientText)
	}
}

// setForwardedPrefix tells what strip_prefix took off the path, behind what a
// trusted proxy took off before.
func (rc *requestContext) setForwardedPrefix(h *outHeader) {
	const name = "X-Forwarded-Prefix"
	prefix := rc.route.stripped(rc.r.URL.Path)
	if earlier := h.Values(name); len(earlier) > 0 {
		h.Delete(name)
		if len(earlier) == 1 && httprule.CheckConfigPath(earlier[0]) == nil {
			prefix = strings.TrimSuffix(earlier[0], "/") + prefix
		}
	}
	h.put(name, prefix)
}

// publicHost is the Host that the client sent, here or to a trusted proxy.
func (rc *requestContext) publicHost() string {
	if rc.trusted {
		if named := lastValue(rc.r.Header["X-Forwarded-Host"]); httprule.ValidHost(named) {
			return named
		}
	}
	return rc.r.Host
}

// scheme is how the client came: by TLS here, or as a trusted proxy says.
func (rc *requestContext) scheme() string {
	if rc.trusted {
		if named := forwardedProto(rc.r.Header["X-Forwarded-Proto"]); named != "" {
			return named
		}
	}
	if rc.r.TLS != nil {
		return "https"
	}
	return "http"
}

// forwardedProto reads X-Forwarded-Proto: of a list the first entry, which is
// the hop next to the client. Of anything that is no scheme of HTTP or
// WebSocket nothing is believed.
func forwardedProto(lines []string) string {
	first := ""
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			scheme := ""
			switch strings.ToLower(strings.TrimSpace(entry)) {
			case "https", "wss":
				scheme = "https"
			case "http", "ws":
				scheme = "http"
			default:
				return ""
			}
			if first == "" {
				first = scheme
			}
		}
	}
	return first
}

// forwardedFor is the chain with the peer added, on one line. A chain that
// can't be read is replaced by the client alone.
func (rc *requestContext) forwardedFor() string {
	chain, ok := forwardedChain(rc.r.Header["X-Forwarded-For"])
	if !ok {
		return rc.clientText
	}
	var b strings.Builder
	for _, addr := range chain {
		b.WriteString(addr.String())
		b.WriteString(", ")
	}
	b.WriteString(addrText(rc.peer))
	return b.String()
}

func lastValue(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// dropBadPort removes an X-Forwarded-Port that is no port.
func dropBadPort(h *outHeader) {
	const name = "X-Forwarded-Port"
	values := h.Values(name)
	if port, err := strconv.ParseUint(lastValue(values), 10, 16); err != nil || port == 0 || len(values) != 1 {
		h.Delete(name)
	}
}
