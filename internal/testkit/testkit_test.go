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

func TestPollReturnsTheLastErrorAfterItsLimit(t *testing.T) {
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
				t.Errorf("a client says %v", err)
			}
		})
	}
}

// get calls a server that has one certificate with a client that trusts another,
// both read from the files that Write makes.
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

// holdPorts makes this test binary a process that reserves that many ports, says
// which, and keeps them until its standard input ends.
const holdPorts = "WXGATE_TESTKIT_HOLD_PORTS"

func TestMain(m *testing.M) {
	if os.Getenv(holdPorts) == "" {
		os.Exit(m.Run())
	}
	for range 200 {
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

// TestPortsOfTwoProcessesDiffer has five processes hold 200 ports each at the same
// time. Ports drawn without a lock would meet: 1,000 of 10,000 do with certainty.
func TestPortsOfTwoProcessesDiffer(t *testing.T) {
	t.Parallel()
	var holders []*testkit.Buffer
	for range 5 {
		out := &testkit.Buffer{}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), holdPorts+"=1")
		cmd.Stdout = out
		stdin, err := cmd.StdinPipe()
		testkit.Must(t, err)
		testkit.Must(t, cmd.Start())
		t.Cleanup(func() { stdin.Close(); _ = cmd.Wait() })
		holders = append(holders, out)
	}
	held := map[string]bool{}
	for _, out := range holders {
		testkit.Eventually(t, "all ports reserved", func() bool { return strings.Contains(out.String(), "done") })
		for _, port := range strings.Fields(out.String()) {
			if port != "done" && held[port] {
				t.Errorf("port %s is held twice", port)
			}
			held[port] = true
		}
	}
	if want := 5*200 + 1; len(held) != want {
		t.Errorf("%d ports and words, want %d", len(held), want)
	}
}

func TestClockMovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	var c testkit.Clock
	begin := c.Now()
	if !c.Now().Equal(begin) {
		t.Error("it moves by itself")
	}
	c.Advance(time.Hour)
	if got := c.Now().Sub(begin); got != time.Hour {
		t.Errorf("moved by %v", got)
	}
}
