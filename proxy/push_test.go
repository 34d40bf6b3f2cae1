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

// pushBackend keeps what it got, and answers what reply says.
type pushBackend struct {
	*httptest.Server
	mu    sync.Mutex
	got   []*http.Request
	body  []string
	reply func(n int, w http.ResponseWriter) // n: from 1
}

func newPushBackend(t testing.TB, reply func(int, http.ResponseWriter)) *pushBackend {
	b := &pushBackend{reply: reply}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.got, b.body = append(b.got, r), append(b.body, string(body))
		n := len(b.got)
		b.mu.Unlock()
		b.reply(n, w)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *pushBackend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.got)
}

func (b *pushBackend) last() (*http.Request, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got[len(b.got)-1], b.body[len(b.body)-1]
}

func accepts(int, http.ResponseWriter) {}

// pushWorld is a gateway whose app has its push sent to the backend.
func pushWorld(t *testing.T, p plan, backend *pushBackend, plain bool) *world {
	t.Helper()
	verifier, err := wechat.NewPush(wechat.PushConfig{AppID: appID, Token: pushToken, AESKey: secret.Text(pushAESKey), Plain: plain})
	testkit.Must(t, err)
	p.config = func(c *proxy.Config) {
		c.Identity.Assertion = "X-Identity-Assertion"
		c.Endpoints.Pushes = map[string]endpoint.Push{appID: {
			Verifier: verifier, Upstream: backend.URL + "/wx/push", Timeout: 2 * time.Second, Client: endpoint.NewHookClient(),
			AppIDHeader: "X-AppID", OpenIDHeader: "X-OpenID", AssertionHeader: "X-Identity-Assertion",
		}}
	}
	return newWorld(t, p)
}

func (w *world) pushSettings() wechattest.PushSettings {
	return wechattest.PushSettings{URL: w.base + "/auth/push/" + appID, Token: pushToken, AESKey: pushAESKey}
}

func (w *world) push(to wechattest.PushSettings, message string) wechattest.PushResult {
	w.t.Helper()
	var fields map[string]json.RawMessage
	testkit.Must(w.t, json.Unmarshal([]byte(message), &fields))
	result, err := w.user("alice").Push(w.t.Context(), to, fields, 0, 10*time.Millisecond)
	testkit.Must(w.t, err)
	return result
}

func TestPushReachesTheBackendDecryptedAndSigned(t *testing.T) {
	for _, xml := range []bool{false, true} {
		t.Run(fmt.Sprintf("xml %v", xml), func(t *testing.T) {
			backend := newPushBackend(t, accepts)
			w := pushWorld(t, plan{}, backend, false)
			to := w.pushSettings()
			to.XML = xml
			if result := w.push(to, `{"Content":"你好"}`); !result.Accepted || len(result.Attempts) != 1 || result.Attempts[0].Body != "success" {
				t.Fatalf("%+v", result)
			}
			r, body := backend.last()
			wantType := map[bool]string{false: "application/json", true: "text/xml"}[xml]
			if r.Header.Get("Content-Type") != wantType || !strings.Contains(body, "你好") || strings.Contains(body, "Encrypt") {
				t.Errorf("%s: %s", r.Header.Get("Content-Type"), body)
			}
			if r.Header.Get("X-OpenID") != w.user("alice").OpenID || r.Header.Get("X-AppID") != appID || r.URL.Path != "/wx/push" {
				t.Errorf("%s %v", r.URL, r.Header)
			}
			q := r.URL.Query()
			if len(q) != 3 || q.Get("timestamp") == "" || q.Get("nonce") == "" || q.Get("signature") == "" {
				t.Errorf("the query is %s", r.URL.RawQuery)
			}
			if claims := assertionClaims(t, r.Header.Get("X-Identity-Assertion")); claims["aud"] != "push" || claims["sub"] != w.user("alice").OpenID {
				t.Errorf("the assertion says %v", claims)
			}
		})
	}
}

func TestConsoleAcceptsTheAddress(t *testing.T) {
	w := pushWorld(t, plan{}, newPushBackend(t, accepts), false)
	for token, want := range map[string]bool{pushToken: true, "another": false} {
		to := w.pushSettings()
		to.Token = token
		a, ok, err := w.user("alice").CheckPushURL(t.Context(), to)
		if err != nil || ok != want || !want && a.Status != http.StatusForbidden {
			t.Errorf("token %s: %+v, %v", token, a, err)
		}
	}
}

func TestPassiveReplyIsEncrypted(t *testing.T) {
	for _, xml := range []bool{false, true} {
		reply := map[bool]string{false: `{"MsgType":"text","Content":"再见"}`, true: "<xml><Content><![CDATA[再见]]></Content></xml>"}[xml]
		backend := newPushBackend(t, func(_ int, w http.ResponseWriter) { io.WriteString(w, "\n"+reply) })
		w := pushWorld(t, plan{}, backend, false)
		to := w.pushSettings()
		to.XML = xml
		result := w.push(to, `{"Content":"x"}`)
		if !result.Accepted || result.Reply != reply || strings.Contains(result.Attempts[0].Body, "再见") {
			t.Errorf("xml %v: %+v", xml, result)
		}
	}
}

// A repeat, on any instance, gets the stored reply, encrypted anew, and does
// not reach the backend again.
func TestPushIsHandledOnceOverInstances(t *testing.T) {
	redis := redistest.Start(t)
	backend := newPushBackend(t, func(_ int, w http.ResponseWriter) { io.WriteString(w, `{"Content":"once"}`) })
	a := pushWorld(t, plan{redis: redis}, backend, false)
	b := pushWorld(t, plan{redis: redis, sim: a.sim}, backend, false)
	message := `{"Content":"x","MsgId":6054768590064713728}`
	first, again := a.push(a.pushSettings(), message), b.push(b.pushSettings(), message)
	if first.Reply != `{"Content":"once"}` || again.Reply != first.Reply || first.Attempts[0].Body == again.Attempts[0].Body {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if n := backend.count(); n != 1 {
		t.Errorf("the backend got it %d times", n)
	}
	if other := b.push(b.pushSettings(), `{"Content":"x","MsgId":6054768590064713729}`); !other.Accepted || backend.count() != 2 {
		t.Errorf("another id: %+v, %d", other, backend.count())
	}
	event := `{"MsgType":"event","Event":"enter","CreateTime":%d,"SessionFrom":"%s"}`
	for _, from := range []string{"one", "two"} { // two events of one second are two
		a.push(a.pushSettings(), fmt.Sprintf(event, time.Now().Unix(), from))
	}
	if n := backend.count(); n != 4 {
		t.Errorf("two events of one second: the backend got %d messages", n)
	}
}

func TestFailedPushIsSentOnAgain(t *testing.T) {
	for name, failure := range map[string]func(http.ResponseWriter){
		"500": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"encrypted XML": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "<xml><Encrypt><![CDATA[AAAA]]></Encrypt><MsgSignature>x</MsgSignature><TimeStamp>1</TimeStamp><Nonce>1</Nonce></xml>")
		},
		"encrypted JSON": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"Encrypt":"AAAA","TimeStamp":1}`) },
		"302":            func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(http.StatusFound) },
		"cut":            func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"nonsense":       func(w http.ResponseWriter) { io.WriteString(w, "OK!") },
	} {
		t.Run(name, func(t *testing.T) {
			backend := newPushBackend(t, func(n int, w http.ResponseWriter) {
				if n < 3 {
					failure(w)
				}
			})
			w := pushWorld(t, plan{}, backend, false)
			result := w.push(w.pushSettings(), `{"Content":"x"}`)
			if !result.Accepted || len(result.Attempts) != 3 || result.Attempts[0].Status != http.StatusInternalServerError {
				t.Errorf("%+v", result)
			}
		})
	}
}

func TestPushUnderWayIs500(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	backend := newPushBackend(t, func(int, http.ResponseWriter) {
		close(reached)
		<-release
	})
	w := pushWorld(t, plan{}, backend, false)
	message := `{"Content":"x","MsgId":1}`
	first := make(chan wechattest.PushResult, 1)
	go func() { first <- w.push(w.pushSettings(), message) }()
	<-reached
	second := w.push(w.pushSettings(), message)
	close(release)
	if second.Accepted || second.Attempts[0].Status != http.StatusInternalServerError || !(<-first).Accepted || backend.count() != 1 {
		t.Errorf("%+v, the backend got it %d times", second, backend.count())
	}
}

// Whatever is wrong: 403, the same answer, and nothing reaches the backend.
func TestForgedPushIsRefused(t *testing.T) {
	backend := newPushBackend(t, accepts)
	w := pushWorld(t, plan{}, backend, false)
	signed := w.recordPush(t, `{"Content":"x"}`)
	for name, change := range map[string]func(query, body string) (string, string){
		"no signature":       func(q, b string) (string, string) { return without(q, "signature"), b },
		"no msg_signature":   func(q, b string) (string, string) { return without(q, "msg_signature"), b },
		"doubled parameter":  func(q, b string) (string, string) { return q + "&nonce=1", b },
		"unencrypted":        func(q, _ string) (string, string) { return q, `{"FromUserName":"o1","Content":"x"}` },
		"changed ciphertext": func(q, b string) (string, string) { return q, strings.Replace(b, `"Encrypt":"`, `"Encrypt":"AAAA`, 1) },
		"truncated":          func(q, b string) (string, string) { return q, b[:len(b)-20] + `"}` },
		"empty":              func(q, _ string) (string, string) { return q, "" },
		"two Encrypts":       func(q, b string) (string, string) { return q, strings.Replace(b, "{", `{"encrypt":"x",`, 1) },
		"not UTF-8":          func(q, b string) (string, string) { return q, b + "\xff" },
		"trailing data":      func(q, b string) (string, string) { return q, b + "{}" },
		"DOCTYPE":            func(q, _ string) (string, string) { return q, "<!DOCTYPE xml><xml><Encrypt>x</Encrypt></xml>" },
	} {
		query, body := change(signed.query, signed.body)
		a := w.call("POST", "/auth/push/"+appID+"?"+query, "", body)
		if a.Status != http.StatusForbidden || a.code() != "forbidden" {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	old := map[string]json.RawMessage{"Content": json.RawMessage(`"x"`)}
	result, err := w.user("alice").Push(t.Context(), w.pushSettings(), old, 11*time.Minute, time.Millisecond)
	if err != nil || result.Accepted || result.Attempts[0].Status != http.StatusForbidden {
		t.Errorf("eleven minutes old: %+v, %v", result, err)
	}
	if a := w.call("POST", "/auth/push/wx-no-such-app?"+signed.query, "", signed.body); a.code() != "no_route" {
		t.Errorf("another app: %d %s", a.Status, a.Body)
	}
	if n := backend.count(); n != 0 {
		t.Errorf("%d reached the backend", n)
	}
	if a := w.call("POST", "/auth/push/"+appID+"?"+signed.query, "", signed.body); a.Status != http.StatusOK || backend.count() != 1 {
		t.Errorf("unchanged: %d %s", a.Status, a.Body)
	}
}

func TestPlainPushNamesNobody(t *testing.T) {
	backend := newPushBackend(t, accepts)
	w := pushWorld(t, plan{}, backend, true)
	to := w.pushSettings()
	to.AESKey = ""
	if result := w.push(to, `{"Content":"x"}`); !result.Accepted {
		t.Fatalf("%+v", result)
	}
	r, _ := backend.last()
	if r.Header.Get("X-OpenID") != "" || r.Header.Get("X-Identity-Assertion") != "" || r.Header.Get("X-AppID") != appID {
		t.Errorf("%v", r.Header)
	}
}

func TestPushWhileRedisIsAway(t *testing.T) {
	backend := newPushBackend(t, accepts)
	w := pushWorld(t, plan{}, backend, false)
	w.redis.Stop()
	if result := w.push(w.pushSettings(), `{"Content":"x"}`); !result.Accepted {
		t.Fatalf("%+v", result)
	}
	if r, _ := backend.last(); r.Header.Get("X-Push-Dedupe") != "off" {
		t.Errorf("%v", r.Header)
	}
}

// Neither WeChat's limit per address nor a ban keeps messages out, and no key
// is in a log line.
func TestPushOfABannedUserIsSentOn(t *testing.T) {
	backend := newPushBackend(t, accepts)
	w := pushWorld(t, plan{}, backend, false)
	w.login("alice")
	_, err := w.sessions.Ban(t.Context(), appID, w.user("alice").OpenID, session.Ban{})
	testkit.Must(t, err)
	for range 40 {
		if result := w.push(w.pushSettings(), `{"Content":"x"}`); !result.Accepted {
			t.Fatalf("%+v", result)
		}
	}
	for _, text := range []string{pushAESKey, pushToken} {
		if bytes.Contains([]byte(w.logs.String()), []byte(text)) {
			t.Errorf("%s is in the log", text)
		}
	}
}

// recordedPush is a request of WeChat's as it was sent.
type recordedPush struct{ query, body string }

// recordPush has the simulator send a message to a server that keeps it.
func (w *world) recordPush(t *testing.T, message string) recordedPush {
	t.Helper()
	var got atomic.Pointer[recordedPush]
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(&recordedPush{r.URL.RawQuery, string(body)})
	}))
	defer s.Close()
	to := w.pushSettings()
	to.URL = s.URL
	w.push(to, message)
	return *got.Load()
}

// without removes a parameter from a query.
func without(query, name string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, name+"=") {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// assertionClaims reads the claims of an assertion; its signature is the
// session package's to test.
func assertionClaims(t testing.TB, assertion string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", assertion)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	testkit.Must(t, err)
	testkit.Must(t, json.Unmarshal(raw, &claims))
	return claims
}
