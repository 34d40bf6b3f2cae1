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
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/wechat/wechattest"
)

// emitted is everything that left the gateways in a run, piece by piece.
type emitted struct {
	t      *testing.T
	mu     sync.Mutex
	pieces map[string][]byte
	sent   int
}

// RoundTrip keeps each answer that a client got, but for the headers that a fresh
// token and a page's cookie ride on.
func (e *emitted) RoundTrip(req *http.Request) (*http.Response, error) {
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
	e.pieces[fmt.Sprintf("answer %d to %s %s", e.sent, req.Method, req.URL.Path)] = dump
	return res, err
}

// dumpRedis keeps each key as it lies in Redis: its name, as DUMP has it, and
// its values.
func (e *emitted) dumpRedis(env *testEnv) {
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

// secretsOf are the forms in which a secret could leave: as it is, escaped for a
// query, in base64 and hex, and, for session keys, the bytes that they stand for.
func secretsOf(secret string) [][]byte {
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

// hides looks for a secret in every piece but those that it belongs into.
func (e *emitted) hides(what, secret string, allowed ...string) {
	e.t.Helper()
	if secret == "" {
		e.t.Fatalf("the run has no %s", what)
	}
	for name, piece := range e.pieces {
		mine := false
		for _, place := range allowed {
			mine = mine || strings.Contains(name, place)
		}
		for _, form := range secretsOf(secret) {
			if !mine && bytes.Contains(piece, form) {
				e.t.Errorf("a %s is in %s:\n%.500q", what, name, piece)
				break
			}
		}
	}
}

// holds reports whether any piece has the text.
func (e *emitted) holds(text string) bool {
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
	all := &emitted{t: t, pieces: map[string][]byte{}}
	loud := settings{
		"log":      "{level: debug}",
		"token":    "{ttl: 2h, renew_before: 1h59m59s}", // so that fresh tokens ride on answers
		"identity": "{headers: {phone: X-Phone}, assertion: {header: X-Identity-Assertion}}",
	}
	opaque := settings{"log": "{level: debug}", "token": "{format: opaque}"}
	jwts, opaques := env.serve(loud), env.serve(opaque)
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
		i.manage("GET", "/metrics", "", "") // kept as an answer
		i.end()
		all.pieces[fmt.Sprintf("log %d", n)] = []byte(i.out.String() + i.err.String())
	}
	if !bytes.Contains(all.pieces["log 0"], []byte(`"request"`)) || len(all.pieces) < 60 || len(run.tokens) < 6 {
		t.Fatalf("too little was kept: %d pieces, %d tokens", len(all.pieces), len(run.tokens))
	}
	if !all.holds(run.tokens[0]) || !all.holds(run.accessTokens[0]) {
		t.Fatal("what is known to be there is not found")
	}

	for _, key := range run.keys {
		all.hides("session_key", key)
	}
	for _, token := range run.accessTokens {
		all.hides("access token", token, "cgi-bin/token")
	}
	for _, token := range run.tokens {
		all.hides("client token", token, "/auth/login", "/auth/refresh")
	}
	for what, secret := range map[string]string{
		"AppSecret": appASecret, "other AppSecret": appBSecret, "admin token": adminToken, "wechat token": wechatToken, "gateway secret": goodSecret,
	} {
		all.hides(what, secret)
	}
}

// leakRun is a run in which as much as possible happens.
type leakRun struct {
	*testEnv
	keys, tokens, accessTokens []string
}

// users log in, use everything there is for them, and leave.
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
	i.login("alice") // a second session, which stays
	l.keys = append(l.keys, alice.SessionKey())
	i.call("POST", "/auth/logout", refreshed, "")
	i.call("GET", "/api/x", token, "")
}

// renewals wait for a fresh token to ride on an answer.
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

// failures are what goes wrong: that is where secrets slip into texts.
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

// backends use the private listener, rightly and wrongly.
func (l *leakRun) backends(i *instance) {
	testkit.Eventually(l.t, "WeChat is asked again", func() bool {
		token := i.manage("GET", "/wx/"+appA+"/cgi-bin/token", wechatToken, "").Field("access_token")
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
		i.manage(c[0], c[1], wechatToken, c[2])
		i.manage(c[0], c[1], adminToken, c[2])
	}
	testkit.Must(l.t, l.sim.InvalidateToken(appA, false))
	i.manage("POST", "/wx/"+appA+"/wxa/getwxacodeunlimit", wechatToken, `{"scene":"b"}`)
	l.accessTokens = append(l.accessTokens, i.manage("GET", "/wx/"+appA+"/cgi-bin/token", wechatToken, "").Field("access_token"))
	for _, path := range []string{user, "/readyz", "/.well-known/jwks.json"} {
		i.manage("GET", path, adminToken, "")
	}
	i.manage("PUT", user+"/ban", adminToken, `{"reason":"x"}`)
	i.manage("DELETE", user+"/ban", adminToken, "")
	if res, err := i.client.Get(i.private + "/api/users?token=" + "none"); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}
