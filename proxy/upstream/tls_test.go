package upstream

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// authority signs certificates for a test.
type authority struct {
	*testkit.Certificate
	file string // its PEM
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{Certificate: testkit.MustCertificate(t, testkit.CertificateOptions{Hosts: []string{"authority"}})}
	a.file, _ = a.MustWrite(t, t.TempDir(), "ca")
	return a
}

// issue makes a certificate for 127.0.0.1 and backend.test.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	return testkit.MustCertificate(t, testkit.CertificateOptions{
		Hosts: []string{"backend.test", "127.0.0.1"}, Signer: a.Certificate, Change: change,
	}).TLS()
}

// serveTLS starts a backend that responds with the protocol of each request.
func serveTLS(t testing.TB, c *tls.Config, h2 bool) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, r.Proto)
	}))
	s.TLS, s.EnableHTTP2 = c, h2
	s.Config.ErrorLog = discardLog
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// TL-03
func TestTargetsCertificateIsVerified(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	self := testkit.MustCertificate(t, testkit.CertificateOptions{Hosts: []string{"backend.test", "127.0.0.1"}})
	for name, c := range map[string]struct {
		cert tls.Certificate
		good bool
	}{
		"good":        {ca.issue(t, nil), true},
		"self-signed": {self.TLS(), false},
		"other CA":    {other.issue(t, nil), false},
		"expired":     {ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), false},
		"not yet":     {ca.issue(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), false},
		"wrong name": {ca.issue(t, func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses = []string{"other.test"}, nil
		}), false},
		"client's": {ca.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), false},
	} {
		u := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.cert}}, false)
		list := targets(t, u)
		list[0].CAFile = ca.file
		g, _ := groupWithClock(t, Config{Targets: list})
		if r := get(t, g, "/"); (r.err == nil) != c.good {
			t.Errorf("%s: %v", name, r.err)
		}
		bare, _ := groupWithClock(t, Config{Targets: targets(t, u)})
		if r := get(t, bare, "/"); r.err == nil {
			t.Errorf("%s: trusted without ca_file", name)
		}
	}
}

func TestTLSBelow12IsRefused(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	u := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false)
	list := targets(t, u)
	list[0].CAFile = ca.file
	g, _ := groupWithClock(t, Config{Targets: list})
	if r := get(t, g, "/"); r.err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

func TestServerNameIsSentAndVerified(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert := ca.issue(t, func(c *x509.Certificate) { c.IPAddresses = nil })
	serverNames := make(chan string, 2)
	u := serveTLS(t, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		serverNames <- h.ServerName
		return &cert, nil
	}}, false)
	list := targets(t, u)
	list[0].CAFile, list[0].ServerName = ca.file, "backend.test"
	g, _ := groupWithClock(t, Config{Targets: list})
	if r := get(t, g, "/"); r.err != nil || <-serverNames != "backend.test" {
		t.Error(r.err)
	}
	list[0].ServerName = "other.test"
	g, _ = groupWithClock(t, Config{Targets: list})
	if r := get(t, g, "/"); r.err == nil {
		t.Error("a certificate for another name was accepted")
	}
}

func TestTheClientCertificateIsSent(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	u := serveTLS(t, &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, nil)}, ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert,
	}, true)
	list := targets(t, u)
	list[0].CAFile = ca.file
	without, _ := groupWithClock(t, Config{Targets: list})
	if r := get(t, without, "/"); r.err == nil {
		t.Error("no error without a certificate")
	}
	list[0].CertFile, list[0].KeyFile = testkit.MustCertificate(t, testkit.CertificateOptions{Signer: ca.Certificate}).MustWrite(t, t.TempDir(), "client")
	with, _ := groupWithClock(t, Config{Targets: list})
	if r := get(t, with, "/"); r.err != nil {
		t.Error(r.err)
	}
}

func TestHTTP2IsUsedIfTheTargetOffersIt(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for want, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		list := targets(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}, h2))
		list[0].CAFile = ca.file
		g, _ := groupWithClock(t, Config{Targets: list})
		for _, body := range []string{"", "x", ""} {
			if r := post(t, g, body); r.body != want {
				t.Errorf("%q, %v instead of %s", r.body, r.err, want)
			}
		}
	}
}

func TestAFailedTLSHandshakeIsRetriedAtAnotherTarget(t *testing.T) {
	t.Parallel()
	broken := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		r.Peek(1)
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	_, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, "https"+broken[len("http"):], b), Retries: 1})
	for range 2 {
		if r := post(t, g, "x"); r.body != "b" {
			t.Errorf("got %q, %v", r.body, r.err)
		}
	}
}

func TestACertificateErrorIsReported(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	list := targets(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}, false))
	g, _ := groupWithClock(t, Config{Targets: list})
	if r := get(t, g, "/"); !errors.As(r.err, new(*tls.CertificateVerificationError)) {
		t.Errorf("error is %v", r.err)
	}
}
