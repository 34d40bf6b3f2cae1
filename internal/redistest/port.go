package redistest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

const (
	loopback     = "127.0.0.1"
	portAttempts = 20

	// Ports are taken below the range from which systems pick the local end of
	// outgoing connections, so that a stopped server finds its port still free.
	// A cluster node also listens busOffset above, which is below that range too.
	firstPort = 12000
	lastPort  = 21999
	busOffset = 10000
)

// freePort is a port on which nobody listens now, nor on its cluster bus.
// It may be taken before it is used.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if unused(port) && unused(port+busOffset) {
			return port
		}
	}
	t.Fatal("redistest: no free port found")
	return 0
}

func unused(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
