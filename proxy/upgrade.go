package proxy

import (
	"net/http"
	"strings"
)

// upgrade is the protocol upgrade that a request asks for.
type upgrade int

const (
	upgradeNone upgrade = iota
	upgradeWebSocket
	upgradeInvalid // a WebSocket handshake that violates RFC 6455, section 4.1
)

// parseUpgrade reads Upgrade and Connection. An upgrade to any other protocol is ignored:
// the headers are hop-by-hop, and the request is forwarded without them.
func parseUpgrade(r *http.Request) upgrade {
	values := r.Header["Upgrade"]
	if len(values) == 0 || !strings.EqualFold(strings.TrimSpace(values[0]), "websocket") || !listsToken(r.Header["Connection"], "upgrade") {
		return upgradeNone
	}
	valid := len(values) == 1 && r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) && r.ProtoMajor == 1 &&
		r.ContentLength == 0 && len(r.Header["Sec-Websocket-Key"]) == 1
	if !valid {
		return upgradeInvalid
	}
	return upgradeWebSocket
}

// checkUpgrade refuses an invalid WebSocket handshake, and any handshake on a route with
// websocket: false.
func checkUpgrade(rs *requestState) error {
	switch parseUpgrade(rs.r) {
	case upgradeInvalid:
		return badRequest("invalid WebSocket handshake")
	case upgradeWebSocket:
		if !rs.route.WebSocket {
			return badRequest("this route does not accept WebSockets")
		}
	}
	return nil
}

// isWebSocket reports whether the request is a valid WebSocket handshake.
func (rs *requestState) isWebSocket() bool {
	return len(rs.r.Header["Upgrade"]) > 0 && parseUpgrade(rs.r) == upgradeWebSocket
}

// listsToken reports whether a header with a list of tokens contains the token, in any
// case.
func listsToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}
