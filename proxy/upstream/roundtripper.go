package upstream

import (
	"net"
	"time"
)

// roundTripper makes one attempt at an endpoint, and sets a.attemptConn to the state of
// the connection. There are two: http1Transport and stdTransport.
type roundTripper interface {
	roundTrip(a *attempts) (*Response, error)
	CloseIdleConnections()
}

// newRoundTripper returns the roundTripper for the target's scheme.
func newRoundTripper(t *target, dialAddrs []string, timeout time.Duration, earlyClose *earlyCloseDetector) roundTripper {
	if t.URL.Scheme != "http" {
		return stdTransport{newTransport(t, dialAddrs, timeout, earlyClose)}
	}
	plain := func(c net.Conn) net.Conn { return c }
	return &http1Transport{dial: dialer(dialAddrs, min(dialTimeout, timeout), plain), timeout: timeout, earlyClose: earlyClose}
}
