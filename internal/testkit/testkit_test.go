package testkit_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

func TestPollReturnsTheLastErrorAfterTheLimit(t *testing.T) {
	t.Parallel()
	calls := 0
	err := testkit.Poll(20*time.Millisecond, func() error { calls++; return fmt.Errorf("call %d", calls) })
	if want := fmt.Sprintf("call %d", calls); err == nil || calls < 2 || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestPollStopsAtTheFirstSuccess(t *testing.T) {
	t.Parallel()
	calls := 0
	err := testkit.Poll(time.Minute, func() error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	authority := testkit.MustCertificate(t, testkit.CertificateOptions{Hosts: []string{"authority"}})
	other := testkit.MustCertificate(t, testkit.CertificateOptions{})
	for name, c := range map[string]struct {
		options testkit.CertificateOptions
		trusted *testkit.Certificate // nil: the certificate itself
		ok      bool
	}{
		"self-signed":       {ok: true},
		"signed":            {options: testkit.CertificateOptions{Signer: authority}, trusted: authority, ok: true},
		"another authority": {options: testkit.CertificateOptions{Signer: authority}, trusted: other},
		"another host":      {options: testkit.CertificateOptions{Hosts: []string{"example.com"}}},
		"expired":           {options: testkit.CertificateOptions{NotAfter: time.Now().Add(-time.Minute)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert := testkit.MustCertificate(t, c.options)
			if c.trusted == nil {
				c.trusted = cert
			}
			if err := get(t, cert, c.trusted); (err == nil) != c.ok {
				t.Errorf("request: %v", err)
			}
		})
	}
}

// get sends a request to a server that presents cert from a client that trusts only
// trusted. The server loads the files that Write made.
func get(t *testing.T, cert, trusted *testkit.Certificate) error {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert.MustWrite(t, t.TempDir(), "server"))
	testkit.Must(t, err)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted.Pool()}}
	t.Cleanup(transport.CloseIdleConnections)
	res, err := (&http.Client{Transport: transport}).Get(server.URL)
	if err == nil {
		res.Body.Close()
	}
	return err
}

// The variable reservePortsEnv makes this test binary a child process that reserves
// portsPerProcess ports, prints them, and keeps them until its standard input ends.
const (
	reservePortsEnv = "WXGATE_TESTKIT_RESERVE_PORTS"
	portsPerProcess = 200
)

func TestMain(m *testing.M) {
	if os.Getenv(reservePortsEnv) == "" {
		os.Exit(m.Run())
	}
	for range portsPerProcess {
		p, err := testkit.ReservePort()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		defer p.Release()
		fmt.Println(p.Number)
	}
	fmt.Println("done")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// Five processes reserve 200 ports each at the same time. Without the lock two of
// them would draw the same port: 1,000 random draws out of 10,000 collide.
func TestTwoProcessesNeverReserveTheSamePort(t *testing.T) {
	t.Parallel()
	const processes = 5
	var outputs []*testkit.Buffer
	for range processes {
		out := &testkit.Buffer{}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), reservePortsEnv+"=1")
		cmd.Stdout = out
		stdin, err := cmd.StdinPipe()
		testkit.Must(t, err)
		testkit.Must(t, cmd.Start())
		t.Cleanup(func() { stdin.Close(); _ = cmd.Wait() })
		outputs = append(outputs, out)
	}
	reserved := map[string]bool{}
	for _, out := range outputs {
		testkit.Eventually(t, "all ports reserved", func() bool { return strings.HasSuffix(out.String(), "done\n") })
		for _, port := range strings.Fields(strings.TrimSuffix(out.String(), "done\n")) {
			if reserved[port] {
				t.Errorf("port %s was reserved twice", port)
			}
			reserved[port] = true
		}
	}
	if len(reserved) != processes*portsPerProcess {
		t.Errorf("%d ports, want %d", len(reserved), processes*portsPerProcess)
	}
}

func TestOnlyAdvanceMovesTheClock(t *testing.T) {
	t.Parallel()
	var c testkit.Clock
	start := c.Now()
	if !c.Now().Equal(start) {
		t.Error("the clock moved without Advance")
	}
	c.Advance(time.Hour)
	if got := c.Now().Sub(start); got != time.Hour {
		t.Errorf("Advance moved the clock by %v", got)
	}
}
