package proxy

import (
	"strconv"
	"strings"

	"wxgate/internal/httprule"
)

// setForwarded sets X-Forwarded-For and its family, X-Real-IP and X-Request-ID. The
// values of a trusted proxy are forwarded if they are valid.
func (rs *requestState) setForwarded(h *outboundHeader) {
	chain := rs.clientText
	if rs.trusted {
		chain = rs.forwardedFor()
		dropInvalidPort(h)
	}
	h.setNonEmpty("X-Real-IP", rs.clientText)
	h.setNonEmpty("X-Forwarded-For", chain)
	h.setNonEmpty("X-Forwarded-Proto", rs.scheme())
	h.setNonEmpty("X-Forwarded-Host", rs.publicHost())
	h.setNonEmpty("X-Request-ID", rs.id)
	rs.setForwardedPrefix(h)
	if rs.config.Identity.CloudRun {
		h.Delete("X-Original-Forwarded-For")
		h.setNonEmpty("X-Original-Forwarded-For", rs.clientText)
	}
}

// setForwardedPrefix sets X-Forwarded-Prefix to the prefix that strip_prefix removed,
// after the one that a trusted proxy removed.
func (rs *requestState) setForwardedPrefix(h *outboundHeader) {
	const name = "X-Forwarded-Prefix"
	prefix := rs.route.strippedPrefix(rs.r.URL.Path)
	if received := h.Values(name); len(received) > 0 {
		h.Delete(name)
		if len(received) == 1 && httprule.CheckConfigPath(received[0]) == nil {
			prefix = strings.TrimSuffix(received[0], "/") + prefix
		}
	}
	h.setNonEmpty(name, prefix)
}

// publicHost is the Host that the client sent, to the gateway or to a trusted proxy.
func (rs *requestState) publicHost() string {
	if rs.trusted {
		if host := lastValue(rs.r.Header["X-Forwarded-Host"]); httprule.ValidHost(host) {
			return host
		}
	}
	return rs.r.Host
}

// scheme is the scheme that the client used, to the gateway or to a trusted proxy: http
// or https.
func (rs *requestState) scheme() string {
	if rs.trusted {
		if scheme := forwardedProto(rs.r.Header["X-Forwarded-Proto"]); scheme != "" {
			return scheme
		}
	}
	if rs.r.TLS != nil {
		return "https"
	}
	return "http"
}

// forwardedProto reads X-Forwarded-Proto. In a list the first entry counts, which is
// from the proxy next to the client. It returns "" if an entry is no scheme of HTTP
// or WebSocket.
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

// forwardedFor is the received X-Forwarded-For with the peer appended, on one line. An
// invalid one is replaced by the client's address.
func (rs *requestState) forwardedFor() string {
	chain, ok := forwardedChain(rs.r.Header["X-Forwarded-For"])
	if !ok {
		return rs.clientText
	}
	var b strings.Builder
	for _, addr := range chain {
		b.WriteString(addr.String())
		b.WriteString(", ")
	}
	b.WriteString(addrText(rs.peer))
	return b.String()
}

// lastValue returns the value of a header's last line.
func lastValue(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// dropInvalidPort removes an X-Forwarded-Port that is not one port number.
func dropInvalidPort(h *outboundHeader) {
	const name = "X-Forwarded-Port"
	values := h.Values(name)
	if port, err := strconv.ParseUint(lastValue(values), 10, 16); err != nil || port == 0 || len(values) != 1 {
		h.Delete(name)
	}
}
