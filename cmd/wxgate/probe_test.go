package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// verifier is a backend that verifies the assertion, except for the check that it
// omits.
type verifier struct {
	omits string
	key   publicJWK
}

func (v verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/base/v2/orders":
		http.Error(w, "not the path that the gateway would request", http.StatusNotFound)
	case v.accepts(r):
		fmt.Fprint(w, "hello")
	case v.omits == "to refuse by status":
		http.Redirect(w, r, "/login", http.StatusSeeOther) // a redirect is a refusal
	default:
		w.WriteHeader(http.StatusForbidden)
	}
}

func (v verifier) accepts(r *http.Request) bool {
	text := r.Header.Get("X-Identity-Assertion")
	switch v.omits {
	case "everything":
		return true
	case "the assertion":
		return r.Header.Get("X-OpenID") != ""
	case "anything but the assertion":
		return text != ""
	case "its job":
		return false
	}
	return text != "" && v.verifies(text)
}

func (v verifier) verifies(text string) bool {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return false
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Aud, Sub string
		Exp           int64
	}
	decode := func(part string, into any) bool {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		return err == nil && json.Unmarshal(raw, into) == nil
	}
	if !decode(parts[0], &header) || !decode(parts[1], &claims) || !v.signed(header.Alg, parts) {
		return false
	}
	return claims.Sub == "wxgate-probe" && (claims.Iss == "wxgate" || v.omits == "iss") && (claims.Aud == "orders" || v.omits == "aud") &&
		(claims.Exp > time.Now().Unix() || v.omits == "exp")
}

func (v verifier) signed(alg string, parts []string) bool {
	signed := parts[0] + "." + parts[1]
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	switch {
	case alg == "none":
		return v.omits == "alg none"
	case alg == "HS256":
		return v.omits == "alg HS256" && slices.ContainsFunc(v.key.hmacKeys(), func(key []byte) bool {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(signed))
			return hmac.Equal(mac.Sum(nil), signature)
		})
	case v.omits == "the signature":
		return true
	}
	x, _ := base64.RawURLEncoding.DecodeString(v.key.X)
	y, _ := base64.RawURLEncoding.DecodeString(v.key.Y)
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	digest := sha256.Sum256([]byte(signed))
	return err == nil && len(signature) == 64 &&
		ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

// probedConfig returns a config file whose route orders has the backend as upstream.
func probedConfig(backend string) string {
	return withRequiredKeys(fmt.Sprintf(`identity: {assertion: {header: X-Identity-Assertion}}
redis: {addrs: ["127.0.0.1:1"]}
routes:
  - {path: /api/orders, name: orders, strip_prefix: /api, add_prefix: /v2, upstreams: ["%[1]s/base"]}
  - {path: /public/, name: public, auth: none, upstreams: ["%[1]s"]}
`, backend))
}

func TestTheProbeDetectsMissingChecks(t *testing.T) {
	t.Parallel()
	c, err := parse(t, probedConfig("http://127.0.0.1:1"))
	testkit.Must(t, err)
	f, err := newProbeAssertions(c, "orders")
	testkit.Must(t, err)
	f.close()
	for omits, want := range map[string]string{
		"":                    "ok, believes the valid assertion only",
		"to refuse by status": "ok, believes the valid assertion only",
		"aud":                 "BELIEVES an assertion for another aud (200)",
		"iss":                 "BELIEVES an assertion of another iss (200)",
		"exp":                 "BELIEVES an expired assertion (200)",
		"the signature":       "BELIEVES a signature by another key under the same kid (200)",
		"alg none":            "BELIEVES alg none (200)",
		"alg HS256":           "BELIEVES HS256 with the public key as secret (200)",
		"the assertion": "BELIEVES identity headers alone (200), a signature by another key under the same kid (200), alg none (200), an expired assertion (200), " +
			"an assertion for another aud (200), an assertion of another iss (200), HS256 with the public key as secret (200)",
		"everything": "BELIEVES no assertion (200), identity headers alone (200), a signature by another key under the same kid (200), alg none (200), " +
			"an expired assertion (200), an assertion for another aud (200), an assertion of another iss (200), HS256 with the public key as secret (200)",
		"anything but the assertion": "BELIEVES a signature by another key under the same kid (200), alg none (200), an expired assertion (200), " +
			"an assertion for another aud (200), an assertion of another iss (200), HS256 with the public key as secret (200)",
		"its job": "unknown: the valid assertion got 403",
	} {
		backend := httptest.NewServer(verifier{omits, f.jwk})
		defer backend.Close()
		status, stdout, stderr := wxgate(t, "probe", "--config", configFile(t, probedConfig(backend.URL)))
		line := fmt.Sprintf("upstream %s/base, route orders, GET /v2/orders: %s\n", backend.URL, want)
		if stdout != line || (status == exitOK) != strings.HasPrefix(want, "ok") || status == exitUsage {
			t.Errorf("omits %q: status %d\nwant %sgot  %s%s", omits, status, line, stdout, stderr)
		}
	}
}

// acceptsOnce responds with 429 after the first request.
type acceptsOnce struct {
	next http.Handler
	used bool
}

func (a *acceptsOnce) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.used {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	a.used = true
	a.next.ServeHTTP(w, r)
}

// A backend that refuses because of a rate limit has not verified the assertion.
func TestAProbeIsInconclusiveIfTheLastControlFails(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(&acceptsOnce{next: verifier{omits: "everything"}})
	defer backend.Close()
	status, stdout, _ := wxgate(t, "probe", "--config", configFile(t, probedConfig(backend.URL)))
	if status != exitFailed || !strings.Contains(stdout, "unknown: the valid assertion, sent again, got 429") {
		t.Errorf("%d: %s", status, stdout)
	}
	backend.Close()
	status, stdout, _ = wxgate(t, "probe", "--config", configFile(t, probedConfig(backend.URL)))
	if status != exitFailed || !strings.Contains(stdout, "unknown: the valid assertion got no response") {
		t.Errorf("no listener: %d: %s", status, stdout)
	}
}

func TestInvalidProbesAreUsageErrors(t *testing.T) {
	t.Parallel()
	file := configFile(t, probedConfig("http://127.0.0.1:1"))
	for want, args := range map[string][]string{
		"identity.assertion.header is not set":  {"--config", configFile(t, withRequiredKeys(""))},
		`names no route (did you mean orders?)`: {"--config", file, "--route", "order"},
		"has auth: none":                        {"--config", file, "--route", "public"},
		"is not a path":                         {"--config", file, "--path", "/a/../b"},
	} {
		if status, _, stderr := wxgate(t, append([]string{"probe"}, args...)...); status != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%v: want 2 and %q, got %d and %s", args, want, status, stderr)
		}
	}
}

func TestTheProbeRequestsThePathThatTheGatewayWould(t *testing.T) {
	t.Parallel()
	c, err := parse(t, probedConfig("http://127.0.0.1:1"))
	testkit.Must(t, err)
	for path, want := range map[string]string{
		"": "/v2/orders", "/api/orders/7?full=1": "/v2/orders/7?full=1", "/whoami": "/whoami", "/api/orders": "/v2/orders",
	} {
		if got := (&probeCommand{Path: path}).upstreamPath(&c.Routes[0]); got != want {
			t.Errorf("%s: want %s, got %s", path, want, got)
		}
	}
	c.Routes[0].Path, c.Routes[0].StripPrefix, c.Routes[0].AddPrefix = "/api/", "/api", ""
	if got := (&probeCommand{}).upstreamPath(&c.Routes[0]); got != "/" {
		t.Errorf("all stripped: %s", got)
	}
}

// The subject of the probe's assertions must not be a route's audience.
func TestTheProbesSubjectIsReserved(t *testing.T) {
	t.Parallel()
	if _, err := parse(t, withRequiredKeys("routes: [{path: /a, name: wxgate-probe, upstreams: ['http://127.0.0.1:1']}]")); err == nil {
		t.Error("a route may be called wxgate-probe")
	}
}
