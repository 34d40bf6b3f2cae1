package wechat_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/secret"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

const getuserriskrank = "/wxa/getuserriskrank"

var securedPaths = []string{getuserphonenumber, getuserencryptkey, getuserriskrank}

func securityOf(k wechattest.APIKeys, paths ...string) *wechat.APISecurity {
	s := &wechat.APISecurity{
		Paths: paths, Algorithms: k.Algorithms, KeySN: k.KeySN, Key: secret.Text(k.Key), PrivateKey: secret.Text(k.PrivateKey),
	}
	for _, c := range k.PlatformCerts {
		s.PlatformCerts = append(s.PlatformCerts, wechat.PlatformCert{SN: c.SN, PEM: c.Cert})
	}
	return s
}

func securedApp(s *wechat.APISecurity) wechat.App {
	return wechat.App{ID: appID, Secret: appSecret, Security: s}
}

func secureAPI(t *testing.T, env *testEnv, algorithms string) wechattest.APIKeys {
	t.Helper()
	keys, err := env.sim.SecureAPI(appID, algorithms, securedPaths...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestCallsAreSignedAndEncrypted(t *testing.T) {
	t.Parallel()
	for _, algorithms := range []string{wechat.AES256GCMWithRSA, wechat.SM4GCMWithSM2} {
		env := newTestEnv(t)
		keys := secureAPI(t, env, algorithms)
		u := env.user(t, "alice")
		if _, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); err == nil {
			t.Errorf("%s: a plain call passed", algorithms)
		}
		env.setApps(t, securedApp(securityOf(keys, "/wxa/*", "/sns/*")))
		key := env.login(t, u).SessionKey // never encrypted, although the list has /sns/*
		p, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode())
		if err != nil || p.Number != u.Phone() {
			t.Errorf("%s: phone: %+v, %v", algorithms, p, err)
		}
		if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, key); !ok || err != nil {
			t.Errorf("%s: checksession: %v, %v", algorithms, ok, err)
		}
		u.LatestUserKey()
		if got, err := env.client.UserKeys(t.Context(), appID, u.OpenID, key); err != nil || len(got) != 1 {
			t.Errorf("%s: keys: %+v, %v", algorithms, got, err)
		}
		if _, err := env.client.Phone(t.Context(), appID, u.OpenID, "nosuchcode"); !errors.Is(err, wechat.ErrInvalidCode) {
			t.Errorf("%s: an encrypted refusal: %v", algorithms, err)
		}
		if err := env.sim.InvalidateToken(appID, false); err != nil {
			t.Fatal(err)
		}
		if _, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); err != nil {
			t.Errorf("%s: after the access token became invalid: %v", algorithms, err)
		}
	}
}

func TestEncryptedCallHasNoReadableParameters(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	keys := secureAPI(t, env, wechat.AES256GCMWithRSA)
	var sent bytes.Buffer
	recorder := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == getuserencryptkey {
			fmt.Fprintf(&sent, "%s %s\n%s\n", r.Method, r.URL, body)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		env.sim.ServeHTTP(rw, r)
	}))
	defer recorder.Close()
	u := env.user(t, "alice")
	key := env.login(t, u).SessionKey
	env.settings.Base = recorder.URL
	env.setApps(t, securedApp(securityOf(keys, getuserencryptkey)))
	if _, err := env.client.UserKeys(t.Context(), appID, u.OpenID, key); err != nil {
		t.Fatal(err)
	}
	text := sent.String()
	if !strings.HasPrefix(text, "POST "+getuserencryptkey+"?access_token=") || strings.Contains(text, u.OpenID) || strings.Contains(text, "hmac_sha256") || !strings.Contains(text, `"authtag":`) {
		t.Errorf("sent %s", text)
	}
}

// tamperResponses returns the base of a WeChat whose responses are changed.
func tamperResponses(t *testing.T, env *testEnv, change func(http.Header, []byte) []byte) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		env.sim.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		if strings.HasPrefix(r.URL.Path, "/wxa/") {
			body = change(rec.Header(), body)
		}
		for name, values := range rec.Header() {
			rw.Header()[http.CanonicalHeaderKey(name)] = values
		}
		rw.Header().Del("Content-Length")
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestResponsesWithoutAValidSignatureAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(http.Header, []byte) []byte{
		"no signature":         func(h http.Header, b []byte) []byte { h.Del("Wechatmp-Signature"); return b },
		"another signature":    func(h http.Header, b []byte) []byte { h.Set("Wechatmp-Signature", "AAAA"); return b },
		"no serial":            func(h http.Header, b []byte) []byte { h.Del("Wechatmp-Serial"); return b },
		"an unknown serial":    func(h http.Header, b []byte) []byte { h.Set("Wechatmp-Serial", "x"); return b },
		"another app":          func(h http.Header, b []byte) []byte { h.Set("Wechatmp-Appid", "wxother"); return b },
		"another body":         func(_ http.Header, b []byte) []byte { return bytes.Replace(b, []byte(`{`), []byte(`{ `), 1) },
		"plain JSON":           func(http.Header, []byte) []byte { return []byte(`{"errcode":0,"risk_rank":0}`) },
		"plain JSON, unsigned": func(h http.Header, _ []byte) []byte { clear(h); return []byte(`{"errcode":0,"risk_rank":0}`) },
		"a plain refusal":      func(h http.Header, _ []byte) []byte { clear(h); return []byte(`{"errcode":40097,"errmsg":"x"}`) },
		"HTML":                 func(h http.Header, _ []byte) []byte { clear(h); return []byte(`<html>`) },
	} {
		env := newTestEnv(t)
		keys := secureAPI(t, env, wechat.AES256GCMWithRSA)
		u := env.user(t, "alice")
		env.settings.Base = tamperResponses(t, env, change)
		env.setApps(t, securedApp(securityOf(keys, securedPaths...)))
		if p, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); !errors.Is(err, wechat.ErrUnavailable) || p != (wechat.Phone{}) {
			t.Errorf("%s: own call: %+v, %v", name, p, err)
		}
		req := relayRequest(t, "POST", getuserriskrank, strings.NewReader(fmt.Sprintf(`{"appid":%q,"openid":%q,"scene":0,"client_ip":"127.0.0.1"}`, appID, u.OpenID)))
		if res, err := env.client.Relay(appID).RoundTrip(req); !errors.Is(err, wechat.ErrUnavailable) || res != nil {
			t.Errorf("%s: relayed call: %v, %v", name, res, err)
		}
	}
}

// While a platform certificate is not configured yet, unsigned calls must still work.
func TestUnverifiedResponsesDoNotOpenTheCircuitBreaker(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	keys := secureAPI(t, env, wechat.AES256GCMWithRSA)
	env.settings.Base = tamperResponses(t, env, func(h http.Header, b []byte) []byte {
		if h.Get("Wechatmp-Serial") != "" {
			h.Set("Wechatmp-Serial", "new")
		}
		return b
	})
	env.setApps(t, securedApp(securityOf(keys, securedPaths...)))
	relay := env.client.Relay(appID)
	for range 30 {
		req := relayRequest(t, "POST", getuserriskrank, strings.NewReader("{}"))
		if res, err := relay.RoundTrip(req); !errors.Is(err, wechat.ErrUnavailable) || res != nil {
			t.Fatalf("%v, %v", res, err)
		}
	}
	if res, body := roundTrip(t, relay, relayRequest(t, "POST", "/wxa/getwxacodeunlimit", strings.NewReader(`{"scene":"a"}`))); res.StatusCode != 200 {
		t.Errorf("a call that isn't signed: %d %s", res.StatusCode, body)
	}
}

// A call that can't be encrypted is not sent. It must not count as a success, which would
// reset the failures in a row.
func TestUnencryptableCallsDoNotCountForTheCircuitBreaker(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.setApps(t, securedApp(securityOf(secureAPI(t, env, wechat.AES256GCMWithRSA), securedPaths...)))
	env.sim.AddFault(wechattest.Fault{API: "/wxa/x", Status: 502})
	relay := env.client.Relay(appID)
	for range 10 {
		roundTrip(t, relay, relayRequest(t, "GET", "/wxa/x", nil))
		if _, err := relay.RoundTrip(relayRequest(t, "POST", getuserriskrank, strings.NewReader("[]"))); err == nil {
			t.Fatal("a list was encrypted")
		}
	}
	if _, err := relay.RoundTrip(relayRequest(t, "GET", "/wxa/x", nil)); !errors.Is(err, wechat.ErrUnavailable) {
		t.Errorf("after ten failures: %v", err)
	}
}

func TestOldSignedResponseIsRefused(t *testing.T) {
	t.Parallel()
	for age, ok := range map[time.Duration]bool{4 * time.Minute: true, 6 * time.Minute: false, -4 * time.Minute: true, -6 * time.Minute: false} {
		env := newTestEnv(t)
		keys := secureAPI(t, env, wechat.SM4GCMWithSM2)
		u := env.user(t, "alice")
		var off atomic.Int64 // by which the client's clock is ahead when it receives the response
		base := tamperResponses(t, env, func(_ http.Header, b []byte) []byte {
			off.Store(int64(age))
			return b
		})
		now := func() time.Time { return env.Now().Add(time.Duration(off.Load())) }
		c, err := wechat.New(wechat.Options{Now: now}, wechat.Config{Base: base, Apps: []wechat.App{securedApp(securityOf(keys, securedPaths...))}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); (err == nil) != ok {
			t.Errorf("a response of %v ago: %v", age, err)
		}
	}
}

func TestRelayedCallsAreEncryptedForTheCaller(t *testing.T) {
	t.Parallel()
	for _, algorithms := range []string{wechat.AES256GCMWithRSA, wechat.SM4GCMWithSM2} {
		env := newTestEnv(t)
		keys := secureAPI(t, env, algorithms)
		env.setApps(t, securedApp(securityOf(keys, securedPaths...)))
		u := env.user(t, "alice")
		relay := env.client.Relay(appID)
		params := fmt.Sprintf(`{"appid":%q,"scene":0,"client_ip":"127.0.0.1"}`, appID)
		if err := env.sim.InvalidateToken(appID, false); err != nil {
			t.Fatal(err)
		}
		for range 2 { // each with an invalid token
			req := relayRequest(t, "POST", getuserriskrank+"?access_token=placeholder&openid="+u.OpenID, strings.NewReader(params))
			req.Header.Set("Wechatmp-Signature", "of the caller")
			res, body := roundTrip(t, relay, req)
			if res.StatusCode != 200 || !strings.Contains(string(body), `"risk_rank":0`) || strings.Contains(string(body), `"_`) || strings.Contains(string(body), "\n") {
				t.Errorf("%s: %d %s", algorithms, res.StatusCode, body)
			}
			if res.Header.Get("Wechatmp-Signature") != "" || res.ContentLength != int64(len(body)) || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
				t.Errorf("%s: %v", algorithms, res.Header)
			}
			if err := env.sim.InvalidateToken(appID, false); err != nil {
				t.Fatal(err)
			}
		}
		_, body := roundTrip(t, relay, relayRequest(t, "POST", getuserriskrank+"?openid=nobody", strings.NewReader(params)))
		if !strings.Contains(string(body), `"errcode":40003`) {
			t.Errorf("%s: WeChat's refusal: %s", algorithms, body)
		}
		for name, c := range map[string]struct{ query, body string }{
			"not JSON":                    {"", "x"},
			"a list":                      {"", "[]"},
			"a protocol field":            {"?_appid=x", "{}"},
			"a name in both":              {"?appid=x", params},
			"a name twice":                {"?x=1&x=2", "{}"},
			"longer than can be replayed": {"", `{"x":"` + strings.Repeat("x", 300<<10) + `"}`},
		} {
			if res, err := relay.RoundTrip(relayRequest(t, "POST", getuserriskrank+c.query, strings.NewReader(c.body))); !errors.Is(err, wechat.ErrNotEncryptable) || res != nil {
				t.Errorf("%s: %s: %v", algorithms, name, err)
			}
		}
		if _, body := roundTrip(t, relay, relayRequest(t, "POST", "/wxa/getwxacodeunlimit", strings.NewReader(`{"scene":"a"}`))); !bytes.HasPrefix(body, []byte("\xff\xd8")) {
			t.Errorf("%s: a path that is not listed: %.40q", algorithms, body)
		}
	}
}

// While the platform's certificate is replaced, responses are signed with both, so that an
// app with only the old one or only the new one verifies them.
func TestPlatformCertificateRotation(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	keys := secureAPI(t, env, wechat.AES256GCMWithRSA)
	u := env.user(t, "alice")
	call := func(what string, ok bool, certs ...wechattest.PlatformCert) {
		t.Helper()
		k := keys
		k.PlatformCerts = certs
		env.setApps(t, securedApp(securityOf(k, securedPaths...)))
		if _, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); (err == nil) != ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	rotate := func() wechattest.PlatformCert {
		t.Helper()
		c, err := env.sim.RotatePlatformCert(appID)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := keys.PlatformCerts[0]
	call("before", true, first)
	second := rotate()
	call("the old one alone", true, first)
	call("both", true, second, first)
	call("the new one alone", true, second)
	rotate()
	call("a removed one", false, first)
	call("the deprecated one", true, second, first)
}

func TestKeysThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	rsa, sm := secureAPI(t, env, wechat.AES256GCMWithRSA), wechattest.APIKeys{}
	sm = secureAPI(t, env, wechat.SM4GCMWithSM2)
	good := func() *wechat.APISecurity { return securityOf(rsa, "/wxa/*") }
	for name, change := range map[string]func(*wechat.APISecurity){
		"algorithms":             func(s *wechat.APISecurity) { s.Algorithms = "des" },
		"no key_sn":              func(s *wechat.APISecurity) { s.KeySN = "" },
		"no key":                 func(s *wechat.APISecurity) { s.Key = "" },
		"a key not base64":       func(s *wechat.APISecurity) { s.Key = "*" },
		"a key of 16 bytes":      func(s *wechat.APISecurity) { s.Key = secret.Text(sm.Key) },
		"no private key":         func(s *wechat.APISecurity) { s.PrivateKey = "" },
		"an SM2 key for RSA":     func(s *wechat.APISecurity) { s.PrivateKey = secret.Text(sm.PrivateKey) },
		"no certificate":         func(s *wechat.APISecurity) { s.PlatformCerts = nil },
		"a certificate not PEM":  func(s *wechat.APISecurity) { s.PlatformCerts[0].PEM = "x" },
		"an SM2 certificate":     func(s *wechat.APISecurity) { s.PlatformCerts[0].PEM = sm.PlatformCerts[0].Cert },
		"RSA keys for SM2":       func(s *wechat.APISecurity) { s.Algorithms, s.Key = wechat.SM4GCMWithSM2, secret.Text(sm.Key) },
		"a private key for cert": func(s *wechat.APISecurity) { s.PlatformCerts[0].PEM = rsa.PrivateKey },
	} {
		s := good()
		change(s)
		_, err := wechat.New(wechat.Options{}, wechat.Config{Apps: []wechat.App{securedApp(s)}})
		if (wechat.Config{Apps: []wechat.App{securedApp(s)}}).Validate() == nil {
			t.Errorf("%s: valid", name)
		}
		if err == nil || strings.Contains(err.Error(), rsa.Key) || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := wechat.New(wechat.Options{}, wechat.Config{Apps: []wechat.App{securedApp(good())}}); err != nil {
		t.Error(err)
	}
}
