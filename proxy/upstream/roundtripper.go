package upstream

import (
	"net"
	"time"
)

// roundTripper makes one attempt at an endpoint, and sets callState.attemptConn to the
// state of the connection. There are two: http1Transport and netHTTPTransport.
type roundTripper interface {
	roundTrip(cs *callState) (*Response, error)
	CloseIdleConnections()
}

// newRoundTripper returns the roundTripper for the target's scheme.
func newRoundTripper(t *target, dialAddrs []string, timeout time.Duration, earlyClose *earlyCloseDetector) roundTripper {
	if t.URL.Scheme != "http" {
		return netHTTPTransport{newTransport(t, dialAddrs, timeout, earlyClose)}
	}
	noWrapper := func(c net.Conn) net.Conn { return c }
	return &http1Transport{dial: dialer(dialAddrs, min(dialTimeout, timeout), noWrapper), timeout: timeout, earlyClose: earlyClose}
}
