package proxy_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/proxy"
	"wxgate/proxy/endpoint"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

const (
	pushToken  = "AAAAAtoken"
	pushAESKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// pushBackend records the requests that it receives, and responds with reply.
type pushBackend struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	reply    func(n int, w http.ResponseWriter) // n: from 1
}

func newPushBackend(t testing.TB, reply func(int, http.ResponseWriter)) *pushBackend {
	b := &pushBackend{reply: reply}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.requests, b.bodies = append(b.requests, r), append(b.bodies, string(body))
		n := len(b.requests)
		b.mu.Unlock()
		b.reply(n, w)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *pushBackend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.requests)
}

func (b *pushBackend) last() (*http.Request, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests[len(b.requests)-1], b.bodies[len(b.bodies)-1]
}

// accept responds with 200 and an empty body.
func accept(int, http.ResponseWriter) {}

// newPushEnv returns a gateway that forwards the push of its app to the backend.
func newPushEnv(t *testing.T, p envConfig, backend *pushBackend, plain bool) *testEnv {
	t.Helper()
	verifier, err := wechat.NewPush(wechat.PushConfig{AppID: appID, Token: pushToken, AESKey: secret.Text(pushAESKey), Plain: plain})
	testkit.Must(t, err)
	p.config = func(c *proxy.Config) {
		c.Identity.Assertion = "X-Identity-Assertion"
		c.Endpoints.Pushes = map[string]endpoint.Push{appID: {
			Verifier: verifier, Upstream: backend.URL + "/wx/push", Timeout: 2 * time.Second, Client: endpoint.NewBackendClient(),
			AppIDHeader: "X-AppID", OpenIDHeader: "X-OpenID", AssertionHeader: "X-Identity-Assertion",
		}}
	}
	return newTestEnv(t, p)
}

func (env *testEnv) pushSettings() wechattest.PushSettings {
	return wechattest.PushSettings{URL: env.base + "/auth/push/" + appID, Token: pushToken, AESKey: pushAESKey}
}

func (env *testEnv) push(to wechattest.PushSettings, message string) wechattest.PushResult {
	env.t.Helper()
	var fields map[string]json.RawMessage
	testkit.Must(env.t, json.Unmarshal([]byte(message), &fields))
	result, err := env.user("alice").Push(env.t.Context(), to, fields, 0, 10*time.Millisecond)
	testkit.Must(env.t, err)
	return result
}

func TestPushIsForwardedDecryptedAndSigned(t *testing.T) {
	for _, xml := range []bool{false, true} {
		t.Run(fmt.Sprintf("xml %v", xml), func(t *testing.T) {
			backend := newPushBackend(t, accept)
			env := newPushEnv(t, envConfig{}, backend, false)
			to := env.pushSettings()
			to.XML = xml
			if result := env.push(to, `{"Content":"你好"}`); !result.Accepted || len(result.Attempts) != 1 || result.Attempts[0].Body != "success" {
				t.Fatalf("%+v", result)
			}
			r, body := backend.last()
			wantType := map[bool]string{false: "application/json", true: "text/xml"}[xml]
			if r.Header.Get("Content-Type") != wantType || !strings.Contains(body, "你好") || strings.Contains(body, "Encrypt") {
				t.Errorf("%s: %s", r.Header.Get("Content-Type"), body)
			}
			if r.Header.Get("X-OpenID") != env.user("alice").OpenID || r.Header.Get("X-AppID") != appID || r.URL.Path != "/wx/push" {
				t.Errorf("%s %v", r.URL, r.Header)
			}
			q := r.URL.Query()
			if len(q) != 3 || q.Get("timestamp") == "" || q.Get("nonce") == "" || q.Get("signature") == "" {
				t.Errorf("the query is %s", r.URL.RawQuery)
			}
			if claims := assertionClaims(t, r.Header.Get("X-Identity-Assertion")); claims["aud"] != "push" || claims["sub"] != env.user("alice").OpenID {
				t.Errorf("the assertion has %v", claims)
			}
		})
	}
}

func TestPushURLPassesWeChatsCheck(t *testing.T) {
	env := newPushEnv(t, envConfig{}, newPushBackend(t, accept), false)
	for token, want := range map[string]bool{pushToken: true, "another": false} {
		to := env.pushSettings()
		to.Token = token
		a, ok, err := env.user("alice").CheckPushURL(t.Context(), to)
		if err != nil || ok != want || !want && a.Status != http.StatusForbidden {
			t.Errorf("token %s: %+v, %v", token, a, err)
		}
	}
}

func TestPassiveReplyIsEncrypted(t *testing.T) {
	for _, xml := range []bool{false, true} {
		reply := map[bool]string{false: `{"MsgType":"text","Content":"再见"}`, true: "<xml><Content><![CDATA[再见]]></Content></xml>"}[xml]
		backend := newPushBackend(t, func(_ int, w http.ResponseWriter) { io.WriteString(w, "\n"+reply) })
		env := newPushEnv(t, envConfig{}, backend, false)
		to := env.pushSettings()
		to.XML = xml
		result := env.push(to, `{"Content":"x"}`)
		if !result.Accepted || result.Reply != reply || strings.Contains(result.Attempts[0].Body, "再见") {
			t.Errorf("xml %v: %+v", xml, result)
		}
	}
}

// A repetition, on any instance, gets the stored reply, encrypted again, and is not
// forwarded to the backend.
func TestPushIsHandledOnceAcrossInstances(t *testing.T) {
	redis := redistest.Start(t)
	backend := newPushBackend(t, func(_ int, w http.ResponseWriter) { io.WriteString(w, `{"Content":"once"}`) })
	a := newPushEnv(t, envConfig{redis: redis}, backend, false)
	b := newPushEnv(t, envConfig{redis: redis, sim: a.sim}, backend, false)
	message := `{"Content":"x","MsgId":6054768590064713728}`
	first, repeated := a.push(a.pushSettings(), message), b.push(b.pushSettings(), message)
	if first.Reply != `{"Content":"once"}` || repeated.Reply != first.Reply || first.Attempts[0].Body == repeated.Attempts[0].Body {
		t.Errorf("first %+v, repeated %+v", first, repeated)
	}
	if n := backend.count(); n != 1 {
		t.Errorf("the backend received it %d times", n)
	}
	if other := b.push(b.pushSettings(), `{"Content":"x","MsgId":6054768590064713729}`); !other.Accepted || backend.count() != 2 {
		t.Errorf("another id: %+v, %d", other, backend.count())
	}
	event := `{"MsgType":"event","Event":"enter","CreateTime":%d,"SessionFrom":"%s"}`
	for _, from := range []string{"one", "two"} { // two events within one second are different messages
		a.push(a.pushSettings(), fmt.Sprintf(event, time.Now().Unix(), from))
	}
	if n := backend.count(); n != 4 {
		t.Errorf("two events within one second: the backend received %d messages", n)
	}
}

func TestFailedPushIsForwardedAgain(t *testing.T) {
	for name, failure := range map[string]func(http.ResponseWriter){
		"500": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"encrypted XML": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "<xml><Encrypt><![CDATA[AAAA]]></Encrypt><MsgSignature>x</MsgSignature><TimeStamp>1</TimeStamp><Nonce>1</Nonce></xml>")
		},
		"encrypted JSON": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"Encrypt":"AAAA","TimeStamp":1}`) },
		"302":            func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(http.StatusFound) },
		"aborted":        func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"another body":   func(w http.ResponseWriter) { io.WriteString(w, "OK!") },
	} {
		t.Run(name, func(t *testing.T) {
			backend := newPushBackend(t, func(n int, w http.ResponseWriter) {
				if n < 3 {
					failure(w)
				}
			})
			env := newPushEnv(t, envConfig{}, backend, false)
			result := env.push(env.pushSettings(), `{"Content":"x"}`)
			if !result.Accepted || len(result.Attempts) != 3 || result.Attempts[0].Status != http.StatusInternalServerError {
				t.Errorf("%+v", result)
			}
		})
	}
}

func TestRepeatedPushInFlightGets500(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	backend := newPushBackend(t, func(int, http.ResponseWriter) {
		close(arrived)
		<-release
	})
	env := newPushEnv(t, envConfig{}, backend, false)
	message := `{"Content":"x","MsgId":1}`
	first := make(chan wechattest.PushResult, 1)
	go func() { first <- env.push(env.pushSettings(), message) }()
	<-arrived
	second := env.push(env.pushSettings(), message)
	close(release)
	if second.Accepted || second.Attempts[0].Status != http.StatusInternalServerError || !(<-first).Accepted || backend.count() != 1 {
		t.Errorf("%+v, the backend received it %d times", second, backend.count())
	}
}

// Every forgery gets the same 403, and nothing reaches the backend.
func TestForgedPushIsRefused(t *testing.T) {
	backend := newPushBackend(t, accept)
	env := newPushEnv(t, envConfig{}, backend, false)
	signed := env.recordPush(t, `{"Content":"x"}`)
	for name, change := range map[string]func(query, body string) (string, string){
		"no signature":        func(q, b string) (string, string) { return without(q, "signature"), b },
		"no msg_signature":    func(q, b string) (string, string) { return without(q, "msg_signature"), b },
		"duplicate parameter": func(q, b string) (string, string) { return q + "&nonce=1", b },
		"unencrypted":         func(q, _ string) (string, string) { return q, `{"FromUserName":"o1","Content":"x"}` },
		"changed ciphertext":  func(q, b string) (string, string) { return q, strings.Replace(b, `"Encrypt":"`, `"Encrypt":"AAAA`, 1) },
		"truncated":           func(q, b string) (string, string) { return q, b[:len(b)-20] + `"}` },
		"empty":               func(q, _ string) (string, string) { return q, "" },
		"two Encrypts":        func(q, b string) (string, string) { return q, strings.Replace(b, "{", `{"encrypt":"x",`, 1) },
		"not UTF-8":           func(q, b string) (string, string) { return q, b + "\xff" },
		"trailing data":       func(q, b string) (string, string) { return q, b + "{}" },
		"DOCTYPE":             func(q, _ string) (string, string) { return q, "<!DOCTYPE xml><xml><Encrypt>x</Encrypt></xml>" },
	} {
		query, body := change(signed.query, signed.body)
		res := env.call("POST", "/auth/push/"+appID+"?"+query, "", body)
		if res.Status != http.StatusForbidden || res.Code() != "forbidden" {
			t.Errorf("%s: %d %s", name, res.Status, res.Body)
		}
	}
	old := map[string]json.RawMessage{"Content": json.RawMessage(`"x"`)}
	result, err := env.user("alice").Push(t.Context(), env.pushSettings(), old, 11*time.Minute, time.Millisecond)
	if err != nil || result.Accepted || result.Attempts[0].Status != http.StatusForbidden {
		t.Errorf("eleven minutes old: %+v, %v", result, err)
	}
	if res := env.call("POST", "/auth/push/wx-no-such-app?"+signed.query, "", signed.body); res.Code() != "no_route" {
		t.Errorf("another app: %d %s", res.Status, res.Body)
	}
	if n := backend.count(); n != 0 {
		t.Errorf("%d reached the backend", n)
	}
	if res := env.call("POST", "/auth/push/"+appID+"?"+signed.query, "", signed.body); res.Status != http.StatusOK || backend.count() != 1 {
		t.Errorf("unchanged: %d %s", res.Status, res.Body)
	}
}

func TestPlainPushHasNoIdentity(t *testing.T) {
	backend := newPushBackend(t, accept)
	env := newPushEnv(t, envConfig{}, backend, true)
	to := env.pushSettings()
	to.AESKey = ""
	if result := env.push(to, `{"Content":"x"}`); !result.Accepted {
		t.Fatalf("%+v", result)
	}
	r, _ := backend.last()
	if r.Header.Get("X-OpenID") != "" || r.Header.Get("X-Identity-Assertion") != "" || r.Header.Get("X-AppID") != appID {
		t.Errorf("%v", r.Header)
	}
}

func TestPushDuringARedisOutage(t *testing.T) {
	backend := newPushBackend(t, accept)
	env := newPushEnv(t, envConfig{}, backend, false)
	env.redis.Stop()
	if result := env.push(env.pushSettings(), `{"Content":"x"}`); !result.Accepted {
		t.Fatalf("%+v", result)
	}
	if r, _ := backend.last(); r.Header.Get("X-Push-Dedupe") != "off" {
		t.Errorf("%v", r.Header)
	}
}

// Neither the limit per address nor a ban applies to messages from WeChat. Keys are not
// logged.
func TestPushOfABannedUserIsForwarded(t *testing.T) {
	backend := newPushBackend(t, accept)
	env := newPushEnv(t, envConfig{}, backend, false)
	env.login("alice")
	_, err := env.sessions.Ban(t.Context(), appID, env.user("alice").OpenID, session.Ban{})
	testkit.Must(t, err)
	for range 40 {
		if result := env.push(env.pushSettings(), `{"Content":"x"}`); !result.Accepted {
			t.Fatalf("%+v", result)
		}
	}
	for _, text := range []string{pushAESKey, pushToken} {
		if bytes.Contains([]byte(env.logs.String()), []byte(text)) {
			t.Errorf("%s is in the log", text)
		}
	}
}

// recordedPush is a request as WeChat sends it.
type recordedPush struct{ query, body string }

// recordPush makes the simulator push a message, and returns the request.
func (env *testEnv) recordPush(t *testing.T, message string) recordedPush {
	t.Helper()
	var got atomic.Pointer[recordedPush]
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(&recordedPush{r.URL.RawQuery, string(body)})
	}))
	defer s.Close()
	to := env.pushSettings()
	to.URL = s.URL
	env.push(to, message)
	return *got.Load()
}

// without removes a parameter from a query.
func without(query, name string) string {
	var rest []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, name+"=") {
			rest = append(rest, pair)
		}
	}
	return strings.Join(rest, "&")
}

// assertionClaims decodes the claims of an assertion. Package session tests the signature.
func assertionClaims(t testing.TB, assertion string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a JWT", assertion)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	testkit.Must(t, err)
	testkit.Must(t, json.Unmarshal(raw, &claims))
	return claims
}
