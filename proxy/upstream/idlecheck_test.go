package upstream

import (
	"bufio"
	"io"
	"net"
	"testing"

	"wxgate/internal/testkit"
)

// connPair returns a connection to a target and the target's side of it.
func connPair(t *testing.T) (*trackedConn, net.Conn) {
	t.Helper()
	ends := make(chan net.Conn, 1)
	over := make(chan struct{})
	u := serveRaw(t, func(c net.Conn, _ *bufio.Reader) { ends <- c; <-over })
	t.Cleanup(func() { close(over) })
	c, err := net.Dial("tcp", u[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &trackedConn{Conn: c, changed: make(chan struct{}, 1), earlyClose: new(earlyCloseDetector)}, <-ends
}

func TestAClosedOrUsedIdleConnectionIsNotReused(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(net.Conn){
		"closed":        func(c net.Conn) { c.Close() },
		"reset":         resetConn,
		"data received": func(c net.Conn) { io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") },
	} {
		c, target := connPair(t)
		c.earlyClose.recordReuse()
		if !c.earlyClose.allowsReuse(c, 0) {
			t.Errorf("%s: not reused before", name)
		}
		disturb(target)
		testkit.Eventually(t, name+": not reused after", func() bool { return !c.earlyClose.allowsReuse(c, 0) })
	}
}

func TestALongIdleConnectionIsNotReused(t *testing.T) {
	t.Parallel()
	c, _ := connPair(t)
	c.earlyClose.recordReuse()
	if !c.earlyClose.allowsReuse(c, idleNonIdempotentMax) || c.earlyClose.allowsReuse(c, idleNonIdempotentMax+1) {
		t.Error("the limit is not idleNonIdempotentMax")
	}
}

// However many idle connections turn out to be broken, a DELETE that may have
// arrived over one of them is sent once more, over a new one.
func TestARetryAfterABrokenConnectionNeedsANewOne(t *testing.T) {
	t.Parallel()
	c, _ := connPair(t)
	c.written.Store(100)
	cs := &callState{req: request(t, "DELETE", "/", ""), attemptConn: attemptConn{connRequested: true, connected: true, reused: true, trackedConn: c}}
	if v := cs.classifyError(io.EOF); !v.retryStaleConn || !cs.newConnOnly || cs.mayReuse(c, 0) {
		t.Errorf("decision is %+v, an idle connection fits: %v", v, cs.mayReuse(c, 0))
	}
}
