// Package assertion_test holds the samples against real assertions of the
// gateway: each must take the good one, and refuse each bad one.
package assertion_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wxgate/secret"
	"wxgate/session"
)

const (
	issuer   = "wxgate"
	audience = "orders"
)

// signer is a gateway as far as assertions go.
func signer(t *testing.T, key string, now time.Time, change func(*session.Config)) *session.Store {
	t.Helper()
	settings := session.Config{Now: func() time.Time { return now }, Secrets: []secret.Text{secret.Text(strings.Repeat(key, 8))}, Issuer: issuer, AssertionTTL: time.Minute}
	if change != nil {
		change(&settings)
	}
	s, err := session.Open(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func assertionOf(t *testing.T, s *session.Store, audience string) string {
	t.Helper()
	signed, err := s.Assert(&session.Session{ID: "s", AppID: "wx1", OpenID: "oALICE", Roles: []string{"staff"}}, audience)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestSamplesTakeTheGoodAndRefuseTheBad(t *testing.T) {
	now := time.Now()
	gateway := signer(t, "key1", now, nil)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Write(gateway.JWKS())
	}))
	t.Cleanup(keys.Close)

	good := assertionOf(t, gateway, audience)
	bad := map[string]string{
		"none at all":      "",
		"not yet issued":   assertionOf(t, signer(t, "key1", now.Add(time.Hour), nil), audience),
		"expired":          assertionOf(t, signer(t, "key1", now.Add(-time.Hour), nil), audience),
		"another issuer":   assertionOf(t, signer(t, "key1", now, func(s *session.Config) { s.Issuer = "evil" }), audience),
		"another audience": assertionOf(t, gateway, "payments"),
		"another key":      assertionOf(t, signer(t, "key2", now, nil), audience),
		"changed":          changed(good),
		"unsigned":         strings.Join(strings.Split(good, ".")[:2], ".") + ".",
	}
	for name, command := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := verify(command, keys.URL, good)
			if err != nil || strings.TrimSpace(out) != "oALICE" {
				t.Fatalf("the good one: %v, %s", err, out)
			}
			for what, assertion := range bad {
				if out, err := verify(command, keys.URL, assertion); err == nil {
					t.Errorf("%s was taken: %s", what, out)
				}
			}
		})
	}
}

// changed turns one byte of the signature.
func changed(signed string) string {
	dot := strings.LastIndexByte(signed, '.')
	turned := byte('A')
	if signed[dot+5] == 'A' {
		turned = 'B'
	}
	return signed[:dot+5] + string(turned) + signed[dot+6:]
}

func verify(command []string, url, assertion string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := append(command[1:len(command):len(command)], url, issuer, audience, assertion)
	out, err := exec.CommandContext(ctx, command[0], args...).CombinedOutput()
	return string(out), err
}

// samples are the commands that run each sample, compiled where that is needed.
func samples(t *testing.T) map[string][]string {
	t.Helper()
	dir := t.TempDir()
	build(t, "go", "build", "-o", filepath.Join(dir, "verify"), "./go")
	build(t, "javac", "-d", dir, "Verify.java")
	return map[string][]string{
		"Go":     {filepath.Join(dir, "verify")},
		"Java":   {"java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", dir, "Verify"},
		"Node":   {"node", "verify.mjs"},
		"PHP":    {"php", "verify.php"},
		"Python": {"/usr/bin/python3", "verify.py"}, // the system's, which has its packages
	}
}

func build(t *testing.T, command ...string) {
	t.Helper()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
}
