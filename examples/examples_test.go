// Package examples_test tests the example backends with assertions of the gateway: each
// must accept the valid one and refuse each invalid one.
package examples_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/process"
	"wxgate/secret"
	"wxgate/session"
)

const (
	issuer = "wxgate"
	route  = "orders"
	hook   = "login-hook"
	alice  = "oALICE"
)

// signer returns a store that signs assertions as a gateway with this key and this time.
func signer(t *testing.T, key string, now time.Time, change func(*session.Config)) *session.Store {
	t.Helper()
	settings := session.Config{Now: func() time.Time { return now }, Apps: []string{"wx1"}, Secrets: []secret.Text{secret.Text(strings.Repeat(key, 8))}, Issuer: issuer, AssertionTTL: time.Minute}
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
	return assertionFor(t, s, alice, audience)
}

func assertionFor(t *testing.T, s *session.Store, openid, audience string) string {
	t.Helper()
	signed, err := s.Assert(&session.Session{ID: "s", AppID: "wx1", OpenID: openid, Roles: []string{"staff"}}, audience)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// invalidAssertions are the assertions that an audience must refuse.
func invalidAssertions(t *testing.T, gateway *session.Store, audience string) map[string]string {
	now := time.Now()
	valid := assertionOf(t, gateway, audience)
	return map[string]string{
		"none at all":      "",
		"not yet issued":   assertionOf(t, signer(t, "key1", now.Add(time.Hour), nil), audience),
		"expired":          assertionOf(t, signer(t, "key1", now.Add(-time.Hour), nil), audience),
		"another issuer":   assertionOf(t, signer(t, "key1", now, func(s *session.Config) { s.Issuer = "other" }), audience),
		"another audience": assertionOf(t, gateway, "payments"),
		"another key":      assertionOf(t, signer(t, "key2", now, nil), audience),
		"changed":          changed(valid),
		"unsigned":         strings.Join(strings.Split(valid, ".")[:2], ".") + ".",
	}
}

func TestExamplesAcceptOnlyValidAssertions(t *testing.T) {
	gateway := signer(t, "key1", time.Now(), nil)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Write(gateway.JWKS())
	}))
	t.Cleanup(keys.Close)
	for name, command := range backends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBackend(t, command, keys.URL)
			b.expectRefused(t, "/api/hello", http.StatusForbidden, "X-Identity-Assertion", "", invalidAssertions(t, gateway, route))
			b.expectRefused(t, "/hooks/login", http.StatusUnauthorized, "Authorization", "Bearer ", invalidAssertions(t, gateway, hook))
			b.expectRefused(t, "/api/hello", http.StatusForbidden, "X-Identity-Assertion", "", map[string]string{
				"another user's": assertionFor(t, gateway, "oBOB", route),
			})
			b.expectField(t, "/api/hello", "X-Identity-Assertion", assertionOf(t, gateway, route), "openid", alice)
			b.expectField(t, "/hooks/login", "Authorization", "Bearer "+assertionOf(t, gateway, hook), "user_id", "u-"+alice)
		})
	}
}

// backend is a running example.
type backend struct{ base string }

func startBackend(t *testing.T, command []string, jwks string) backend {
	t.Helper()
	port := testkit.MustReservePort(t)
	for i := range command {
		command[i] = strings.Replace(command[i], "LISTEN", port.Addr(), 1)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "LISTEN="+port.Addr(), "WXGATE_JWKS="+jwks, "WXGATE_ISSUER="+issuer, "ROUTE="+route, "PYTHONDONTWRITEBYTECODE=1")
	p, err := process.Start(command[0], filepath.Join(t.TempDir(), "log"), cmd)
	testkit.Must(t, err)
	t.Cleanup(p.Kill)
	testkit.Must(t, p.Listening(t.Context(), "tcp", port.Addr()))
	return backend{"http://" + port.Addr()}
}

// call sends a request as alice, with the assertion in a header.
func (b backend) call(t *testing.T, path, header, value string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+path, strings.NewReader(`{"openid":"`+alice+`"}`))
	testkit.Must(t, err)
	req.Header.Set("X-OpenID", alice)
	req.Header.Set(header, value)
	res, err := http.DefaultClient.Do(req)
	testkit.Must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	testkit.Must(t, err)
	return res.StatusCode, body
}

func (b backend) expectRefused(t *testing.T, path string, want int, header, prefix string, assertions map[string]string) {
	t.Helper()
	for name, assertion := range assertions {
		if status, body := b.call(t, path, header, prefix+assertion); status != want {
			t.Errorf("%s, %s: %d %s, want %d", path, name, status, body, want)
		}
	}
}

func (b backend) expectField(t *testing.T, path, header, value, field, want string) {
	t.Helper()
	status, body := b.call(t, path, header, value)
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil || status != http.StatusOK || fields[field] != want {
		t.Errorf("%s: %d %s, want 200 with %s %s", path, status, body, field, want)
	}
}

// changed changes one character of the signature.
func changed(signed string) string {
	dot := strings.LastIndexByte(signed, '.')
	replacement := byte('A')
	if signed[dot+5] == 'A' {
		replacement = 'B'
	}
	return signed[:dot+5] + string(replacement) + signed[dot+6:]
}

// backends are the commands that start each example, compiled where that is needed.
func backends(t *testing.T) map[string][]string {
	t.Helper()
	dir := t.TempDir()
	build(t, "go", "build", "-o", filepath.Join(dir, "backend"), "./go")
	build(t, "javac", "-d", dir, "java/Assertion.java", "java/Backend.java")
	return map[string][]string{
		"Go":     {filepath.Join(dir, "backend")},
		"Java":   {"java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", dir, "Backend"},
		"Node":   {"node", "node/backend.mjs"},
		"PHP":    {"php", "-S", "LISTEN", "php/backend.php"},
		"Python": {"/usr/bin/python3", "python/backend.py"}, // the system's Python, which has PyJWT
	}
}

func build(t *testing.T, command ...string) {
	t.Helper()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
}
