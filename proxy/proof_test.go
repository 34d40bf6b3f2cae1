package proxy_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/httprule"
	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/proxy"
	"wxgate/proxy/proof"
	"wxgate/wechat/wechattest"
)

// nonces makes the nonces of the tests unique.
var nonces atomic.Int64

// signer makes proofs as a client does, independently of package proof.
type signer struct {
	t    testing.TB
	key  wechattest.UserKey
	host string
}

// signedCall is a request to sign, with the fields of its proof that a test changes.
type signedCall struct {
	method, target, contentType, body string

	at    time.Time // zero: now
	nonce string    // "": a new one
	hash  string    // "": that of body
}

// proof returns the header for the call.
func (s signer) proof(c signedCall) string {
	s.t.Helper()
	if c.at.IsZero() {
		c.at = time.Now()
	}
	if c.nonce == "" {
		c.nonce = fmt.Sprintf("nonce-%020d", nonces.Add(1))
	}
	if c.hash == "" {
		sum := sha256.Sum256([]byte(c.body))
		c.hash = hex.EncodeToString(sum[:])
	}
	raw, err := base64.StdEncoding.DecodeString(s.key.EncryptKey)
	testkit.Must(s.t, err)
	key, err := hkdf.Key(sha256.New, raw, []byte(s.key.IV), "wxgate proof v1", 32)
	testkit.Must(s.t, err)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "wxgate-proof-v1\n%s\n%s\n%s\n%d\n%s\n%s\n%s", c.method, s.host, c.target, c.at.Unix(), c.nonce, c.contentType, c.hash)
	return fmt.Sprintf("v=1;k=%d;t=%d;n=%s;h=%s;s=%s", s.key.Version, c.at.Unix(), c.nonce, c.hash,
		base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

func proofRoutes() []*proxy.Route {
	return []*proxy.Route{
		{Name: "pay", Path: "/pay/", Auth: proxy.AuthRequired, Proof: proxy.ProofSign, WebSocket: true, MethodOverride: true},
		{Name: "upload", Path: "/upload/", Auth: proxy.AuthRequired, Proof: proxy.ProofSign, UnsignedUploads: true},
		{Name: "report", Path: "/report/", Auth: proxy.AuthRequired, Proof: proxy.ProofReport},
	}
}

// sendSigned sends the call with a new proof.
func (env *testEnv) sendSigned(s signer, token string, c signedCall, headers ...string) testkit.Response {
	env.t.Helper()
	return env.sendProof(s.proof(c), token, c, headers...)
}

func (env *testEnv) sendProof(proof, token string, c signedCall, headers ...string) testkit.Response {
	env.t.Helper()
	if c.contentType != "" {
		headers = append(headers, "Content-Type", c.contentType)
	}
	return env.call(c.method, c.target, token, c.body, append(headers, "X-Gateway-Proof", proof)...)
}

func (env *testEnv) signer(user string) signer {
	return signer{env.t, env.user(user).LatestUserKey(), env.addr}
}

var payment = signedCall{method: "POST", target: "/pay/orders?x=1", contentType: "application/json", body: `{"sku":"A1"}`}

func TestSignedRequestIsForwardedWithItsBody(t *testing.T) {
	env := newTestEnv(t, envConfig{routes: proofRoutes()})
	token, s := env.login("alice"), env.signer("alice")
	for _, c := range []signedCall{
		payment,
		{method: "GET", target: "/pay/orders"},
		{method: "POST", target: "/pay/empty"},
		{method: "DELETE", target: "/pay/orders/1"},
		{method: "POST", target: "/upload/", contentType: "multipart/form-data; boundary=x", body: "--x--", hash: "-"},
		{method: "POST", target: "/pay/large", contentType: "application/octet-stream", body: strings.Repeat("a", proof.MaxBody)},
	} {
		res := env.sendSigned(s, token, c)
		var got echoResponse
		if res.Status != http.StatusOK {
			t.Errorf("%s %s: %d %s", c.method, c.target, res.Status, res.Body)
			continue
		}
		if res.JSON(t, &got); got.Body != c.body || got.Method != c.method {
			t.Errorf("%s %s: the backend received %s with %d bytes", c.method, c.target, got.Method, len(got.Body))
		}
	}
	overridden := payment
	overridden.method = "PATCH" // the signature covers the overriding method
	res := env.call("POST", overridden.target, token, overridden.body, "X-HTTP-Method-Override", "PATCH", "Content-Type", overridden.contentType, "X-Gateway-Proof", s.proof(overridden))
	if res.Status != http.StatusOK {
		t.Errorf("overridden: %d %s", res.Status, res.Body)
	}
}

// The caller of wx.uploadFile does not know the boundary that it writes.
func TestUploadIsSignedWithoutItsBoundary(t *testing.T) {
	env := newTestEnv(t, envConfig{routes: proofRoutes()})
	token, s := env.login("alice"), env.signer("alice")
	upload := signedCall{method: "POST", target: "/upload/", contentType: "multipart/form-data", hash: "-"}
	for contentType, want := range map[string]int{
		"multipart/form-data; boundary=x": http.StatusOK, "Multipart/Form-Data;boundary=y": http.StatusOK,
		"text/plain": http.StatusForbidden, "multipart/mixed; boundary=x": http.StatusForbidden,
	} {
		sent := upload
		sent.contentType, sent.body = contentType, "--x--"
		if res := env.sendProof(s.proof(upload), token, sent); res.Status != want {
			t.Errorf("%s: %d %s", contentType, res.Status, res.Body)
		}
	}
	hashed := signedCall{method: "POST", target: "/upload/", contentType: "multipart/form-data", body: "--x--"}
	sent := hashed
	sent.contentType += "; boundary=x"
	if res := env.sendProof(s.proof(hashed), token, sent); res.Status != http.StatusForbidden {
		t.Errorf("with a hash the whole type is signed: %d %s", res.Status, res.Body)
	}
}

// Every documented refusal; none of these requests reaches the backend.
func TestInvalidProofsAreRefused(t *testing.T) {
	forwarded := make(chan string, 100)
	env := newTestEnv(t, envConfig{routes: proofRoutes(), backend: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { forwarded <- r.RequestURI })})
	token, s := env.login("alice"), env.signer("alice")
	env.login("bob")
	other := env.signer("bob")
	valid := func() string { return s.proof(payment) }
	changed := func(change func(*signedCall)) signedCall {
		c := payment
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		proof   string
		sent    signedCall
		headers []string
		want    string
	}{
		"none":                 {"", payment, nil, "proof_required"},
		"malformed":            {"v=1", payment, nil, "proof_invalid"},
		"another user's key":   {other.proof(payment), payment, nil, "proof_invalid"},
		"other method":         {valid(), changed(func(c *signedCall) { c.method = "PUT" }), nil, "proof_invalid"},
		"override not signed":  {valid(), payment, []string{"X-HTTP-Method-Override", "DELETE"}, "proof_invalid"},
		"other path":           {valid(), changed(func(c *signedCall) { c.target = "/pay/order?x=1" }), nil, "proof_invalid"},
		"other query":          {valid(), changed(func(c *signedCall) { c.target = "/pay/orders?x=2" }), nil, "proof_invalid"},
		"other type":           {valid(), changed(func(c *signedCall) { c.contentType = "text/plain" }), nil, "proof_invalid"},
		"other body":           {valid(), changed(func(c *signedCall) { c.body = `{"sku":"A2"}` }), nil, "proof_invalid"},
		"longer body":          {valid(), changed(func(c *signedCall) { c.body += " " }), nil, "proof_invalid"},
		"no body":              {valid(), changed(func(c *signedCall) { c.body = "" }), nil, "proof_invalid"},
		"unsigned body":        {s.proof(changed(func(c *signedCall) { c.hash = "-" })), payment, nil, "proof_invalid"},
		"other host":           {signer{t, s.key, "evil.example"}.proof(payment), payment, nil, "proof_invalid"},
		"slow clock":           {s.proof(changed(func(c *signedCall) { c.at = time.Now().Add(-70 * time.Second) })), payment, nil, "proof_clock"},
		"fast clock":           {s.proof(changed(func(c *signedCall) { c.at = time.Now().Add(70 * time.Second) })), payment, nil, "proof_clock"},
		"slow clock, no key":   {other.proof(changed(func(c *signedCall) { c.at = time.Now().Add(-70 * time.Second) })), payment, nil, "proof_invalid"},
		"unknown key":          {strings.Replace(valid(), fmt.Sprintf("k=%d;", s.key.Version), "k=999;", 1), payment, nil, "proof_stale"},
		"encoded body":         {valid(), payment, []string{"Content-Encoding", "gzip"}, "bad_request"},
		"two proofs":           {valid(), payment, []string{"X-Gateway-Proof", valid()}, "proof_invalid"},
		"not form data":        {s.proof(signedCall{method: "POST", target: "/upload/", contentType: "text/plain", body: "x", hash: "-"}), signedCall{method: "POST", target: "/upload/", contentType: "text/plain", body: "x"}, nil, "proof_invalid"},
		"more than a mebibyte": {s.proof(changed(func(c *signedCall) { c.body = strings.Repeat("a", proof.MaxBody+1) })), changed(func(c *signedCall) { c.body = strings.Repeat("a", proof.MaxBody+1) }), nil, "body_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			headers := c.headers
			if c.proof != "" {
				headers = append(headers, "X-Gateway-Proof", c.proof)
			}
			if c.sent.contentType != "" {
				headers = append(headers, "Content-Type", c.sent.contentType)
			}
			res := env.call(c.sent.method, c.sent.target, token, c.sent.body, headers...)
			if res.Code() != c.want {
				t.Errorf("%d %s", res.Status, res.Body)
			}
			var body struct{ Time int64 }
			if res.JSON(t, &body); (c.want == "proof_clock") != (body.Time != 0) || body.Time != 0 && time.Since(time.Unix(body.Time, 0)).Abs() > 5*time.Second {
				t.Errorf("time %d in %s", body.Time, res.Body)
			}
			if strings.HasPrefix(c.want, "proof_") && res.Status != http.StatusForbidden {
				t.Errorf("status %d", res.Status)
			}
		})
	}
	select {
	case target := <-forwarded:
		t.Errorf("the backend received %s", target)
	default:
	}
}

func TestProofIsUsedOnceAcrossInstances(t *testing.T) {
	redis := redistest.Start(t)
	sim := wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: appID, Secret: appSecret}}, LoginsPerMinute: 100000})
	a := newTestEnv(t, envConfig{routes: proofRoutes(), redis: redis, sim: sim})
	b := newTestEnv(t, envConfig{routes: proofRoutes(), redis: redis, sim: sim, config: func(c *proxy.Config) { c.PublicOrigins = publicOrigins(t, a.base) }})
	token, s := a.login("alice"), a.signer("alice")
	line := s.proof(payment)
	if got := a.sendProof(line, token, payment); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	for name, env := range map[string]*testEnv{"this instance": a, "the other": b} {
		if got := env.sendProof(line, token, payment); got.Code() != "proof_replayed" {
			t.Errorf("repeated on %s: %d %s", name, got.Status, got.Body)
		}
	}
	if got := b.sendSigned(s, token, payment); got.Status != http.StatusOK {
		t.Errorf("signed again for the public origin, on the other instance: %d %s", got.Status, got.Body)
	}
}

func TestRotatedKeyIsFetched(t *testing.T) {
	env := newTestEnv(t, envConfig{routes: proofRoutes()})
	token, old := env.login("alice"), env.signer("alice")
	if res := env.sendSigned(old, token, payment); res.Status != http.StatusOK {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	env.user("alice").RotateUserKey()
	rotated := env.signer("alice")
	// The keys were fetched moments ago, so that the gateway does not fetch them again yet.
	if res := env.sendSigned(rotated, token, payment); res.Code() != "proof_stale" {
		t.Errorf("%d %s", res.Status, res.Body)
	}
	if res := env.sendSigned(old, token, payment); res.Status != http.StatusOK {
		t.Errorf("the old key before its expiry: %d %s", res.Status, res.Body)
	}
}

func TestProofReportRefusesNothing(t *testing.T) {
	env := newTestEnv(t, envConfig{routes: proofRoutes()})
	token, s := env.login("alice"), env.signer("alice")
	c := signedCall{method: "POST", target: "/report/", contentType: "text/plain", body: "hello"}
	for name, line := range map[string]string{"valid": s.proof(c), "malformed": "v=1", "other body": s.proof(signedCall{method: "POST", target: "/report/", contentType: "text/plain", body: "other"})} {
		res := env.sendProof(line, token, c)
		var got echoResponse
		if res.JSON(t, &got); res.Status != http.StatusOK || got.Body != "hello" {
			t.Errorf("%s: %d %s", name, res.Status, res.Body)
		}
	}
	large := signedCall{method: "POST", target: "/report/", contentType: "text/plain", body: strings.Repeat("a", proof.MaxBody+100)}
	res := env.sendSigned(s, token, large)
	var got echoResponse
	if res.JSON(t, &got); res.Status != http.StatusOK || got.Body != large.body {
		t.Errorf("a large body: %d, %d bytes", res.Status, len(got.Body))
	}
	if res := env.call("POST", "/report/", token, "hello"); res.Status != http.StatusOK {
		t.Errorf("no proof: %d %s", res.Status, res.Body)
	}
}

// While Redis can't be reached, POST is refused, and GET is accepted unless this instance
// has seen the nonce.
func TestProofDuringARedisOutage(t *testing.T) {
	env := newTestEnv(t, envConfig{routes: proofRoutes()})
	token, s := env.login("alice"), env.signer("alice")
	if res := env.sendSigned(s, token, payment); res.Status != http.StatusOK {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	env.redis.Stop()
	if res := env.sendSigned(s, token, payment); res.Code() != "store_unavailable" {
		t.Errorf("POST: %d %s", res.Status, res.Body)
	}
	read := signedCall{method: "GET", target: "/pay/orders"}
	line := s.proof(read)
	if res := env.sendProof(line, token, read); res.Status != http.StatusOK {
		t.Errorf("GET: %d %s", res.Status, res.Body)
	}
	if res := env.sendProof(line, token, read); res.Code() != "proof_replayed" {
		t.Errorf("GET again: %d %s", res.Status, res.Body)
	}
	if res := env.sendProof(strings.Replace(line, "s=", "s=A", 1), token, read); res.Code() != "proof_invalid" {
		t.Errorf("GET, malformed: %d %s", res.Status, res.Body)
	}
}

func TestProofDuringAWeChatOutage(t *testing.T) {
	env := newTestEnv(t, envConfig{routes: proofRoutes()})
	alice, s := env.login("alice"), env.signer("alice")
	bob, unknown := env.login("bob"), env.signer("bob")
	if res := env.sendSigned(s, alice, payment); res.Status != http.StatusOK {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	env.sim.AddFault(wechattest.Fault{API: "/wxa/business/getuserencryptkey", Times: 100, Status: http.StatusBadGateway})
	if res := env.sendSigned(s, alice, payment); res.Status != http.StatusOK {
		t.Errorf("a known key: %d %s", res.Status, res.Body)
	}
	for range 2 {
		if res := env.sendSigned(unknown, bob, payment); res.Code() != "wechat_unavailable" {
			t.Errorf("an unknown key: %d %s", res.Status, res.Body)
		}
	}
}

func TestWebSocketHandshakeNeedsAProof(t *testing.T) {
	env := newTestEnv(t, envConfig{routes: proofRoutes(), backend: upgradeBackend()})
	token, s := env.login("alice"), env.signer("alice")
	c := signedCall{method: "GET", target: "/pay/socket"}
	for line, want := range map[string]int{"": http.StatusForbidden, s.proof(c): http.StatusSwitchingProtocols} {
		headers := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
		if line != "" {
			headers = append(headers, "X-Gateway-Proof", line)
		}
		if res := env.call(c.method, c.target, token, "", headers...); res.Status != want {
			t.Errorf("with %q: %d %s", line, res.Status, res.Body)
		}
	}
}

// Keys are not in log lines, responses, or unencrypted in Redis.
func TestProofKeysAreNotExposed(t *testing.T) {
	env := newTestEnv(t, envConfig{routes: proofRoutes()})
	token, s := env.login("alice"), env.signer("alice")
	responses := [][]byte{env.sendSigned(s, token, payment).Body, env.sendProof("v=1;k=1", token, payment).Body}
	exposed := append(bytes.Join(responses, nil), env.logs.String()...)
	stored, err := env.redis.Do("KEYS", "*")
	testkit.Must(t, err)
	for _, key := range strings.Fields(stored) {
		value, _ := env.redis.Do("GET", key) // of another type: not a sealed value
		exposed = append(exposed, value...)
	}
	raw, err := base64.StdEncoding.DecodeString(s.key.EncryptKey)
	testkit.Must(t, err)
	quoted, err := json.Marshal(string(raw))
	testkit.Must(t, err)
	for _, secret := range [][]byte{raw, quoted, []byte(s.key.EncryptKey), []byte(s.key.IV)} {
		if bytes.Contains(exposed, secret) {
			t.Errorf("%q is exposed", secret)
		}
	}
}

// publicOrigins parses origins for a Config.
func publicOrigins(t testing.TB, texts ...string) (origins []httprule.Origin) {
	t.Helper()
	for _, text := range texts {
		origin, err := httprule.ParseOrigin(text)
		testkit.Must(t, err)
		origins = append(origins, origin)
	}
	return origins
}

// upgradeBackend responds to handshakes with 101 and closes the connection.
func upgradeBackend() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, switching)
	})
}
