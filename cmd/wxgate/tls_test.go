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

// writeCertificate writes a certificate for 127.0.0.1 with this serial number to
// server.crt and server.key, and returns a pool that trusts it.
func writeCertificate(t *testing.T, dir string, serial int64) *x509.CertPool {
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
	pool := writeCertificate(t, dir, 1)
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
		if got := backendRequest(t, i.call("GET", "/api/x", token, "")).Header.Get("X-Forwarded-Proto"); got != "https" {
			t.Errorf("over %s the backend receives %q", proto, got)
		}
		i.client.CloseIdleConnections()
	}
}

func TestTLSBefore12IsRefused(t *testing.T) {
	t.Parallel()
	env, dir := newTestEnv(t), t.TempDir()
	pool := writeCertificate(t, dir, 1)
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

func TestARenewedCertificateIsReloaded(t *testing.T) {
	t.Parallel()
	env, dir := newTestEnv(t), t.TempDir()
	writeCertificate(t, dir, 1)
	i := env.serve(withTLS(dir))
	address := strings.TrimPrefix(i.public, "http://")
	serial := func() int64 {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) // only the serial number is read
		testkit.Must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("serial number %d", got)
	}
	writeCertificate(t, dir, 2)
	testkit.Eventually(t, "the new certificate is served", func() bool { return serial() == 2 })
	// With an invalid file the previous certificate stays in use.
	writeFile(t, filepath.Join(dir, "server.crt"), "not a certificate", 0o600)
	testkit.Eventually(t, "the error is logged", func() bool { return serial() == 2 && strings.Contains(i.out.String(), "could not be reloaded") })
	writeCertificate(t, dir, 3)
	testkit.Eventually(t, "the next valid certificate is served", func() bool { return serial() == 3 })
}
