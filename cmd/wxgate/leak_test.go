package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/wechat/wechattest"
)

// recordedOutput is everything that the gateways emitted during a test, by source.
type recordedOutput struct {
	t      *testing.T
	mu     sync.Mutex
	pieces map[string][]byte
	sent   int
}

// RoundTrip records each response, without the headers that may contain a renewed token
// or a web session's cookie.
func (e *recordedOutput) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	whole := res.Header.Clone()
	res.Header.Del("X-Session-Token")
	res.Header.Del("Set-Cookie")
	dump, err := httputil.DumpResponse(res, true)
	res.Header = whole
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent++
	e.pieces[fmt.Sprintf("response %d to %s %s", e.sent, req.Method, req.URL.Path)] = dump
	return res, err
}

// dumpRedis records each key in Redis: its name, its DUMP and its values.
func (e *recordedOutput) dumpRedis(env *testEnv) {
	e.t.Helper()
	for key := range strings.Lines(env.redis.MustDo("KEYS", "*")) {
		key = strings.TrimSuffix(key, "\n")
		e.pieces["the name of "+key] = []byte(key)
		e.pieces["DUMP "+key] = []byte(env.redis.MustDo("DUMP", key))
		read := map[string][]string{"hash": {"HGETALL", key}, "string": {"GET", key}, "set": {"SMEMBERS", key}, "zset": {"ZRANGE", key, "0", "-1"}, "stream": {"XRANGE", key, "-", "+"}}
		if command := read[env.redis.MustDo("TYPE", key)]; command != nil {
			e.pieces[strings.Join(command, " ")] = []byte(env.redis.MustDo(command...))
		}
	}
}

// encodingsOf returns the encodings of a secret to search for: plain, query-escaped, in
// base64 and hex, and for session keys their decoded bytes.
func encodingsOf(secret string) [][]byte {
	forms := [][]byte{
		[]byte(secret), []byte(url.QueryEscape(secret)), []byte(strings.ReplaceAll(secret, "/", `\/`)),
		[]byte(base64.StdEncoding.EncodeToString([]byte(secret))), []byte(base64.RawURLEncoding.EncodeToString([]byte(secret))),
		[]byte(hex.EncodeToString([]byte(secret))),
	}
	if raw, err := base64.StdEncoding.DecodeString(secret); err == nil && len(raw) == 16 {
		forms = append(forms, raw, []byte(hex.EncodeToString(raw)), []byte(base64.RawURLEncoding.EncodeToString(raw)))
	}
	return forms
}

// checkAbsent searches for a secret in every piece, except those whose name contains an
// allowed text.
func (e *recordedOutput) checkAbsent(what, secret string, allowed ...string) {
	e.t.Helper()
	if secret == "" {
		e.t.Fatalf("the test has no %s", what)
	}
	for name, piece := range e.pieces {
		isAllowed := slices.ContainsFunc(allowed, func(text string) bool { return strings.Contains(name, text) })
		for _, encoding := range encodingsOf(secret) {
			if !isAllowed && bytes.Contains(piece, encoding) {
				e.t.Errorf("a %s is in %s:\n%.500q", what, name, piece)
				break
			}
		}
	}
}

// contains reports whether any piece contains a text.
func (e *recordedOutput) contains(text string) bool {
	for _, piece := range e.pieces {
		if bytes.Contains(piece, []byte(text)) {
			return true
		}
	}
	return false
}

func TestNoSecretLeavesTheGateway(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	all := &recordedOutput{t: t, pieces: map[string][]byte{}}
	jwtSettings := settings{
		"log":      "{level: debug}",
		"token":    "{ttl: 2h, renew_before: 1h59m59s}", // so that responses have renewed tokens
		"identity": "{headers: {phone: X-Phone}, assertion: {header: X-Identity-Assertion}}",
	}
	opaqueSettings := settings{"log": "{level: debug}", "token": "{format: opaque}"}
	jwts, opaques := env.serve(jwtSettings), env.serve(opaqueSettings)
	for _, i := range []*instance{jwts, opaques} {
		i.client = &http.Client{Transport: all, Timeout: time.Minute}
	}
	run := leakRun{testEnv: env}
	run.users(jwts)
	run.users(opaques)
	run.renewals(jwts)
	run.failures(jwts)
	run.backends(jwts)
	all.dumpRedis(env)
	for n, i := range []*instance{jwts, opaques} {
		i.callAdmin("GET", "/metrics", "", "") // recorded as a response
		i.end()
		all.pieces[fmt.Sprintf("log %d", n)] = []byte(i.out.String() + i.err.String())
	}
	if !bytes.Contains(all.pieces["log 0"], []byte(`"request"`)) || len(all.pieces) < 60 || len(run.tokens) < 6 {
		t.Fatalf("too little was recorded: %d pieces, %d tokens", len(all.pieces), len(run.tokens))
	}
	if !all.contains(run.tokens[0]) || !all.contains(run.accessTokens[0]) {
		t.Fatal("tokens that were returned are not found")
	}

	for _, key := range run.keys {
		all.checkAbsent("session_key", key)
	}
	for _, token := range run.accessTokens {
		all.checkAbsent("access token", token, "cgi-bin/token")
	}
	for _, token := range run.tokens {
		all.checkAbsent("client token", token, "/auth/login", "/auth/refresh")
	}
	for what, secret := range map[string]string{
		"AppSecret": appASecret, "other AppSecret": appBSecret, "admin token": adminToken, "wechat token": wechatToken, "gateway secret": validSecret,
	} {
		all.checkAbsent(what, secret)
	}
}

// leakRun calls as much of the gateway as possible.
type leakRun struct {
	*testEnv
	keys, tokens, accessTokens []string
}

// users makes a user log in, call every endpoint, and log out.
func (l *leakRun) users(i *instance) {
	alice := l.user(appA, "alice")
	body := fmt.Sprintf(`{"appid":%q,"code":%q,"phone_code":%q}`, appA, alice.Code(), alice.PhoneCode())
	token := i.call("POST", "/auth/login", "", body).Field("token")
	l.keys, l.tokens = append(l.keys, alice.SessionKey()), append(l.tokens, token)
	rawData, signature := alice.RawData()
	sealed := alice.EncryptPhone()
	for _, c := range [][3]string{
		{"GET", "/api/x?access_token=1", ""}, {"GET", "/public/x", ""}, {"GET", "/auth/session", ""}, {"POST", "/auth/check", ""},
		{"POST", "/auth/phone", fmt.Sprintf(`{"code":%q}`, alice.PhoneCode())},
		{"POST", "/auth/phone", fmt.Sprintf(`{"encrypted_data":%q,"iv":%q}`, sealed.EncryptedData, sealed.IV)},
		{"PUT", "/auth/profile", fmt.Sprintf(`{"raw_data":%q,"signature":%q}`, rawData, signature)},
		{"GET", "/auth/profile", ""},
	} {
		if a := i.call(c[0], c[1], token, c[2]); a.Status != http.StatusOK {
			l.t.Errorf("%s %s: %v", c[0], c[1], a)
		}
	}
	refreshed := i.call("POST", "/auth/refresh", token, "").Field("token")
	l.tokens = append(l.tokens, refreshed)
	i.login("alice") // a second session, which is not ended
	l.keys = append(l.keys, alice.SessionKey())
	i.call("POST", "/auth/logout", refreshed, "")
	i.call("GET", "/api/x", token, "")
}

// renewals waits for a response with a renewed token.
func (l *leakRun) renewals(i *instance) {
	token := i.login("carol")
	testkit.Eventually(l.t, "a fresh token", func() bool {
		fresh := i.call("GET", "/api/x", token, "").Header.Get("X-Session-Token")
		if fresh != "" {
			l.tokens = append(l.tokens, token, fresh)
		}
		return fresh != ""
	})
}

// failures causes errors, whose texts could contain secrets.
func (l *leakRun) failures(i *instance) {
	bob := l.user(appA, "bob")
	token := i.login("bob")
	l.keys, l.tokens = append(l.keys, bob.SessionKey()), append(l.tokens, token)
	i.call("GET", "/api/x", token+"x", "")
	i.call("GET", "/api/x?token="+"none", "", "")
	stale := bob.EncryptPhone()
	bob.RotateSessionKey()
	l.keys = append(l.keys, bob.SessionKey())
	i.call("POST", "/auth/phone", token, fmt.Sprintf(`{"encrypted_data":%q,"iv":%q}`, bob.EncryptPhone().EncryptedData, stale.IV))
	i.call("POST", "/auth/check", token, "")
	for _, fault := range []wechattest.Fault{
		{Times: 2, Errcode: -1}, {Times: 1, Errcode: 40125}, {Times: 1, Errcode: 40164}, {Times: 1, Drop: true}, {Times: 1, Status: 500, Body: "<html>"},
		{Times: 1, Body: `{"errcode":40013,"errmsg":"invalid appid ` + appASecret + `"}`},
		{Times: 1, Body: `{"openid":"x","session_key":`},
	} {
		fault.API = "/sns/jscode2session"
		l.sim.AddFault(fault)
		i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, appA, bob.Code()))
		l.keys = append(l.keys, bob.SessionKey())
		l.sim.ClearFaults()
	}
	i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":"never-minted"}`, appA))
}

// backends makes valid and invalid calls to the private listener.
func (l *leakRun) backends(i *instance) {
	testkit.Eventually(l.t, "an access token", func() bool {
		token := i.callAdmin("GET", "/wx/"+appA+"/cgi-bin/token", wechatToken, "").Field("access_token")
		l.accessTokens = []string{token}
		return token != ""
	})
	alice := l.user(appA, "alice")
	user := "/api/users/" + appA + "/" + alice.OpenID
	sealed := alice.EncryptPhone()
	for _, c := range [][3]string{
		{"POST", "/wx/" + appA + "/wxa/getwxacodeunlimit?access_token=mine", `{"scene":"a"}`},
		{"POST", "/wx/" + appA + "/wxa/unknown", "{}"},
		{"POST", "/wx/" + appB + "/wxa/getwxacodeunlimit", "{}"},
		{"POST", user + "/sign", `{"message":"m"}`},
		{"POST", user + "/decrypt", fmt.Sprintf(`{"encrypted_data":%q,"iv":%q}`, sealed.EncryptedData, sealed.IV)},
		{"POST", user + "/decrypt", `{"encrypted_data":"AAAA","iv":"AAAA"}`},
	} {
		i.callAdmin(c[0], c[1], wechatToken, c[2])
		i.callAdmin(c[0], c[1], adminToken, c[2])
	}
	testkit.Must(l.t, l.sim.InvalidateToken(appA, false))
	i.callAdmin("POST", "/wx/"+appA+"/wxa/getwxacodeunlimit", wechatToken, `{"scene":"b"}`)
	l.accessTokens = append(l.accessTokens, i.callAdmin("GET", "/wx/"+appA+"/cgi-bin/token", wechatToken, "").Field("access_token"))
	for _, path := range []string{user, "/readyz", "/.well-known/jwks.json"} {
		i.callAdmin("GET", path, adminToken, "")
	}
	i.callAdmin("PUT", user+"/ban", adminToken, `{"reason":"x"}`)
	i.callAdmin("DELETE", user+"/ban", adminToken, "")
	if res, err := i.client.Get(i.private + "/api/users?token=" + "none"); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}
