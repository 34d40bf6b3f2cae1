package proxy

import (
	"net/http"
	"strings"
)

// upgrade says what kind of connection the request asks for.
type upgrade int

const (
	upgradeNone upgrade = iota
	upgradeWebSocket
	upgradeBroken // asks for a WebSocket, but not as RFC 6455, section 4.1 has it
)

// upgradeOf reads the request's Upgrade. Anything but websocket is dropped (as
// hop-by-hop) and the request served without it.
func upgradeOf(r *http.Request) upgrade {
	values := r.Header["Upgrade"]
	if len(values) == 0 || !strings.EqualFold(strings.TrimSpace(values[0]), "websocket") || !listsToken(r.Header["Connection"], "upgrade") {
		return upgradeNone
	}
	proper := len(values) == 1 && r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) && r.ProtoMajor == 1 &&
		r.ContentLength == 0 && len(r.Header["Sec-Websocket-Key"]) == 1
	if !proper {
		return upgradeBroken
	}
	return upgradeWebSocket
}

// checkUpgrade refuses a WebSocket handshake that isn't one, or where the
// route takes none.
func checkUpgrade(rc *requestContext) error {
	switch upgradeOf(rc.r) {
	case upgradeBroken:
		return badRequest("this is no WebSocket handshake")
	case upgradeWebSocket:
		if !rc.route.WebSocket {
			return badRequest("this route takes no WebSocket")
		}
	}
	return nil
}

func (rc *requestContext) isWebSocket() bool {
	return len(rc.r.Header["Upgrade"]) > 0 && upgradeOf(rc.r) == upgradeWebSocket
}

// listsToken reports whether a header that lists tokens holds one.
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
