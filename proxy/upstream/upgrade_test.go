package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

func upgradeRequest(t testing.TB) *http.Request {
	req := request(t, "GET", "/socket", "")
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	return req
}

// socket opens an upgraded connection to a backend that f serves after the handshake.
func socket(t *testing.T, f func(c net.Conn, r *bufio.Reader)) (*Group, io.ReadWriteCloser) {
	t.Helper()
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		f(c, r)
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	ctx, cancel := context.WithCancel(t.Context())
	res, err := g.RoundTrip(upgradeRequest(t).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	cancel() // the connection outlives the request's context
	rwc, ok := res.Body.(io.ReadWriteCloser)
	if !ok || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%d with a %T", res.StatusCode, res.Body)
	}
	return g, rwc
}

func TestAnUpgradedConnectionDeliversEveryByte(t *testing.T) {
	t.Parallel()
	g, rwc := socket(t, func(c net.Conn, r *bufio.Reader) {
		io.WriteString(c, switching+"early ") // in one packet with the headers
		io.Copy(c, r)
	})
	sent := make([]byte, 1<<20)
	rand.Read(sent)
	go func() {
		io.Copy(rwc, struct{ io.Reader }{bytes.NewReader(sent)})
		rwc.(interface{ CloseWrite() error }).CloseWrite()
	}()
	var got bytes.Buffer
	if _, err := io.Copy(&got, rwc); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), append([]byte("early "), sent...)) {
		t.Errorf("got %d bytes instead of %d", got.Len(), len(sent)+6)
	}
	if n := inFlight(g); n != 1 {
		t.Errorf("%d in flight before it is closed", n)
	}
	rwc.Close()
	rwc.Close()
	if n := inFlight(g); n != 0 {
		t.Errorf("%d in flight after it is closed", n)
	}
}

func TestABackendMaySendFirstAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	_, rwc := socket(t, func(c net.Conn, r *bufio.Reader) {
		io.WriteString(c, switching)
		for range 3 {
			io.WriteString(c, "tick")
		}
	})
	defer rwc.Close()
	if got, err := io.ReadAll(rwc); string(got) != "tickticktick" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAWriteToATargetThatDoesntReadTimesOut(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	defer close(over)
	_, rwc := socket(t, func(c net.Conn, _ *bufio.Reader) {
		io.WriteString(c, switching)
		<-over
	})
	defer rwc.Close()
	if err := rwc.(interface{ SetWriteDeadline(time.Time) error }).SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(rwc, endless{}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing ended with %v", err)
	}
}

func TestARefusedUpgradeIsAnOrdinaryResponse(t *testing.T) {
	t.Parallel()
	_, u := serveCounting(t, "no sockets here")
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	if r := send(g, upgradeRequest(t)); r.status != 200 || r.body != "no sockets here" {
		t.Errorf("got %d, %q, %v", r.status, r.body, r.err)
	}
}

// HTTP/2 has no Upgrade, so even a target that prefers HTTP/2 gets an HTTP/1.1 request.
func TestUpgradeOverTLSIsHTTP1(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer c.Close()
		io.WriteString(c, switching)
		io.Copy(c, rw)
	}))
	s.TLS, s.EnableHTTP2 = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}, true
	s.StartTLS()
	t.Cleanup(s.Close)
	list := targets(t, s.URL)
	list[0].CAFile = ca.file
	g, _ := groupWithClock(t, Config{Targets: list})
	if r := get(t, g, "/"); r.status != http.StatusInternalServerError {
		t.Fatalf("no HTTP/2 here: %d, %v", r.status, r.err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	res, err := g.RoundTrip(upgradeRequest(t).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	cancel() // the connection outlives the request's context
	defer res.Body.Close()
	rwc, ok := res.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("%d with a %T", res.StatusCode, res.Body)
	}
	io.WriteString(rwc, "echo")
	b := make([]byte, 4)
	if _, err := io.ReadFull(rwc, b); string(b) != "echo" {
		t.Errorf("got %q, %v", b, err)
	}
}

// HTTP/2 without TLS offers no HTTP/1.1.
func TestAnUpgradeOverH2CIsRefused(t *testing.T) {
	t.Parallel()
	u := serveH2C(t, func(http.ResponseWriter, *http.Request) { t.Error("the target got a request") })
	list := targets(t, u)
	g, _ := groupWithClock(t, Config{Targets: list, Eject: Eject{Failures: 1, For: time.Minute}})
	if r := send(g, upgradeRequest(t)); !errors.Is(r.err, errNoUpgrade) || !g.Status()[0].Available() {
		t.Errorf("got %v, %+v", r.err, g.Status()[0])
	}
	if list[0].SupportsUpgrade() || !targets(t, "https://a")[0].SupportsUpgrade() || !targets(t, "http://a")[0].SupportsUpgrade() {
		t.Error("SupportsUpgrade is wrong")
	}
}

func TestUpgradeToAnotherProtocolIsRefused(t *testing.T) {
	t.Parallel()
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	if r := send(g, upgradeRequest(t)); r.err == nil {
		t.Errorf("got %d", r.status)
	}
}
