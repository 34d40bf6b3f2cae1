package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// DS-13
func TestATargetThatSendsNothingTimesOut(t *testing.T) {
	t.Parallel()
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
	other, b := serveCounting(t, "b")
	for method, body := range map[string]string{"GET": "", "POST": "x"} {
		g, _ := groupWithClock(t, Config{Targets: targets(t, u, b), Retries: 1, Timeout: 50 * time.Millisecond})
		if r := send(g, request(t, method, "/", body)); !errors.Is(r.err, ErrTimeout) {
			t.Errorf("%s: %v", method, r.err)
		}
	}
	if other.requests.Load() != 0 {
		t.Error("sent again after a timeout")
	}
}

// endless is a body without end, available without waiting.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func (endless) Close() error { return nil }

// DS-13
func TestATargetThatStopsReadingABodyTimesOut(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		<-over
	})
	t.Cleanup(func() { close(over) })
	g, _ := groupWithClock(t, Config{Targets: targets(t, u), Timeout: 100 * time.Millisecond})
	r := send(g, withBody(endless{})(request(t, "POST", "/", "")))
	if !errors.Is(r.err, ErrTimeout) {
		t.Errorf("error is %v", r.err)
	}
}

func TestASlowClientDoesntCauseATimeout(t *testing.T) {
	t.Parallel()
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Write(b)
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u), Timeout: 50 * time.Millisecond})
	body, client := io.Pipe()
	go func() {
		for range 4 {
			<-time.After(50 * time.Millisecond)
			io.WriteString(client, "x")
		}
		client.Close()
	}()
	if r := send(g, withBody(body)(request(t, "POST", "/", ""))); r.body != "xxxx" || r.err != nil {
		t.Errorf("got %q, %v", r.body, r.err)
	}
}

func TestStreamsMayLastLongerThanTheTimeout(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-more
		io.WriteString(w, "late")
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u), Timeout: 30 * time.Millisecond})
	res, err := g.RoundTrip(request(t, "GET", "/", ""))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { close(more) })
	if b, err := io.ReadAll(res.Body); string(b) != "late" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	res.Body.Close()
}

// A client that sends too slowly makes the server's read of the body fail with a
// timeout error, which looks like one of the network's.
func TestATimeoutOfTheClientIsNotErrTimeout(t *testing.T) {
	t.Parallel()
	_, u := serveCounting(t, "a")
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	a, b := net.Pipe()
	defer b.Close()
	a.SetReadDeadline(time.Now())
	r := send(g, withBody(a)(request(t, "POST", "/", "")))
	if errors.Is(r.err, ErrTimeout) || !errors.Is(r.err, os.ErrDeadlineExceeded) || !errors.Is(r.err, ErrRequestBody) {
		t.Errorf("error is %v", r.err)
	}
}

func TestTheCallersDeadlineIsNotErrTimeout(t *testing.T) {
	t.Parallel()
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r := send(g, request(t, "GET", "/", "").WithContext(ctx))
	if !errors.Is(r.err, context.DeadlineExceeded) || errors.Is(r.err, ErrTimeout) {
		t.Errorf("error is %v", r.err)
	}
}

// A TLS handshake without a response is a connection that is not established.
func TestAConnectionThatIsNotEstablishedTimesOut(t *testing.T) {
	t.Parallel()
	silent := serveRaw(t, func(c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
	silentTLS := "https" + strings.TrimPrefix(silent, "http")
	_, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, silentTLS), Timeout: 50 * time.Millisecond})
	if r := get(t, g, "/"); !errors.Is(r.err, ErrTimeout) {
		t.Errorf("error is %v", r.err)
	}
	k := new(testkit.Clock)
	g = openGroup(t, Config{Targets: targets(t, silentTLS, b), Retries: 1, Timeout: 50 * time.Millisecond}, func(g *Group) { g.now = k.Now })
	if r := post(t, g, "x"); r.body != "b" {
		t.Errorf("got %q, %v", r.body, r.err)
	}
}

func TestAfterTheHeadersATargetMayReadTheBodySlowly(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	more := make(chan struct{})
	u := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-more
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u), Timeout: time.Second})
	time.AfterFunc(1500*time.Millisecond, func() { close(more) })
	r := send(g, withBody(io.NopCloser(io.LimitReader(endless{}, size)))(request(t, "POST", "/", "")))
	if r.err != nil || r.body != fmt.Sprint(size) {
		t.Errorf("%s bytes arrived, %v", r.body, r.err)
	}
}
