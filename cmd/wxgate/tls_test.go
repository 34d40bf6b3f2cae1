package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// putCertificate writes a certificate for 127.0.0.1 with this serial number to
// server.crt and server.key, and gives what trusts it.
func putCertificate(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	c := testkit.MustCertificate(t, testkit.CertificateOptions{Change: func(c *x509.Certificate) { c.SerialNumber = big.NewInt(serial) }})
	c.MustWrite(t, dir, "server")
	return c.Pool()
}

func withTLS(dir string) settings {
	return settings{"tls": fmt.Sprintf("{cert_file: %q, key_file: %q}", filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))}
}

func TestTLSServesHTTP2AndHTTP1(t *testing.T) {
	t.Parallel()
	env, dir := newTestEnv(t), t.TempDir()
	pool := putCertificate(t, dir, 1)
	i := env.serve(withTLS(dir))
	i.public = strings.Replace(i.public, "http://", "https://", 1)
	for proto, http2 := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		i.client = &http.Client{Transport: &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: pool}}}
		token := i.login("alice")
		req, err := http.NewRequest("GET", i.public+"/api/x", nil)
		testkit.Must(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := i.client.Do(req)
		testkit.Must(t, err)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || res.Proto != proto {
			t.Errorf("want 200 over %s, got %d over %s", proto, res.StatusCode, res.Proto)
		}
		if got := seenByBackend(t, i.call("GET", "/api/x", token, "")).Header.Get("X-Forwarded-Proto"); got != "https" {
			t.Errorf("over %s the backend is told %q", proto, got)
		}
		i.client.CloseIdleConnections()
	}
}

func TestTLSBefore12IsRefused(t *testing.T) {
	t.Parallel()
	env, dir := newTestEnv(t), t.TempDir()
	pool := putCertificate(t, dir, 1)
	address := strings.TrimPrefix(env.serve(withTLS(dir)).public, "http://")
	for version, accepted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, MinVersion: version, MaxVersion: version})
		if err == nil {
			conn.Close()
		}
		if (err == nil) != accepted {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestARenewedCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	env, dir := newTestEnv(t), t.TempDir()
	putCertificate(t, dir, 1)
	i := env.serve(withTLS(dir))
	address := strings.TrimPrefix(i.public, "http://")
	serial := func() int64 {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) // the serial number is what is asked
		testkit.Must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("serial number %d", got)
	}
	putCertificate(t, dir, 2)
	testkit.Eventually(t, "the new certificate is served", func() bool { return serial() == 2 })
	// A broken file leaves the one that works.
	write(t, filepath.Join(dir, "server.crt"), "not a certificate", 0o600)
	testkit.Eventually(t, "the log tells", func() bool { return serial() == 2 && strings.Contains(i.out.String(), "could not be reloaded") })
	putCertificate(t, dir, 3)
	testkit.Eventually(t, "the mended certificate is served", func() bool { return serial() == 3 })
}
