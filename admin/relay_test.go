package admin_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"

	"wxgate/internal/testkit"
	"wxgate/wechat/wechattest"
)

const codePath = "/wx/" + app + "/wxa/getwxacodeunlimit"

// lastCall returns the last call that WeChat received.
func (env *testEnv) lastCall() (query, body string) {
	env.t.Helper()
	all := env.sim.Calls()
	if len(all) == 0 {
		env.t.Fatal("WeChat was not called")
	}
	return all[len(all)-1].Query, all[len(all)-1].Body
}

func (env *testEnv) accessToken(appid string) string {
	env.t.Helper()
	var got struct {
		AccessToken string `json:"access_token"`
	}
	env.call("GET", "/wx/"+appid+"/cgi-bin/token", rawToken, "").JSON(env.t, &got)
	return got.AccessToken
}

func TestTheRelayAddsTheAccessTokenAndForwardsTheRestUnchanged(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("alice")
	body := fmt.Sprintf(`{"touser":%q,"template_id":"t","data":{"thing":"好"}}`, env.user("alice").OpenID)
	a := env.call("POST", "/wx/"+app+"/cgi-bin/message/subscribe/send?lang=zh_CN&x=a%2Fb", wechatToken, body)
	if a.Status != http.StatusOK || !strings.Contains(string(a.Body), `"errcode":0`) || a.Code() != "" {
		t.Errorf("response: %v", a)
	}
	query, sent := env.lastCall()
	if query != "access_token=[redacted]&lang=zh_CN&x=a/b" || sent != body {
		t.Errorf("WeChat got %s and %s", query, sent)
	}
	// WeChat's errors are relayed unchanged too.
	if a := env.call("POST", "/wx/"+app+"/cgi-bin/message/subscribe/send", wechatToken, "{}"); a.Status != http.StatusOK || !strings.Contains(string(a.Body), `"errcode":40003`) {
		t.Errorf("a refusal: %v", a)
	}
}

func TestACallersAccessTokenIsReplaced(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, query := range []string{
		"?access_token=stale", "?access_token=", "?a=1&access_token=x&access_token=y", "?%61ccess_token=x", "?access_token",
	} {
		if a := env.call("POST", codePath+query, wechatToken, `{"scene":"a"}`); a.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%s: %v", query, a)
		}
		if got, _ := env.lastCall(); strings.Count(got, "access_token=[redacted]") != 1 || strings.Contains(got, "stale") {
			t.Errorf("%s: WeChat got %s", query, got)
		}
	}
}

func TestBinaryResponsesAreRelayedUnchanged(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	a := env.call("POST", codePath, wechatToken, `{"scene":"table=7"}`)
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "image/jpeg" || !bytes.HasPrefix(a.Body, []byte("\xff\xd8\xff")) || !bytes.HasSuffix(a.Body, []byte("\xff\xd9")) {
		t.Errorf("%s, %d bytes", a.Header.Get("Content-Type"), len(a.Body))
	}
}

func TestUploadsAreStreamed(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	picture := bytes.Repeat([]byte("picture "), 1<<20)
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	file, err := m.CreateFormFile("media", "a.png")
	testkit.Must(t, err)
	_, _ = file.Write(picture)
	testkit.Must(t, m.Close())
	a := env.call("POST", "/wx/"+app+"/cgi-bin/media/upload?type=image", wechatToken, form.String(), "Content-Type", m.FormDataContentType())
	sum := sha256.Sum256(picture)
	if want := base64.RawURLEncoding.EncodeToString(sum[:]); !strings.Contains(string(a.Body), want) {
		t.Errorf("WeChat received other bytes than the %d sent: %v", len(picture), a)
	}
}

func TestOnlyListedPathsAreRelayed(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for path, want := range map[string]string{
		app + "/wxa/getwxacodeunlimit":                   "200",
		app + "/wxa/getwxacodeunlimit/x":                 "403 forbidden",
		app + "/wxa/getwxacode":                          "403 forbidden",
		app + "/wxa/":                                    "403 forbidden",
		app + "/sns/jscode2session":                      "403 forbidden",
		app + "/WXA/getwxacodeunlimit":                   "403 forbidden",
		app + "/cgi-bin/message/subscribe/send":          "200", // below /cgi-bin/*
		otherApp + "/wxa/getwxacodeunlimit":              "403 forbidden",
		"wxunknown/wxa/getwxacodeunlimit":                "400 bad_request",
		app + "/wxa/./getwxacodeunlimit":                 "400 bad_path",
		app + "/wxa/x/../getwxacodeunlimit":              "400 bad_path",
		app + "/wxa/%2e%2e/wxa/getwxacodeunlimit":        "400 bad_path",
		app + "/cgi-bin%2fmedia/upload":                  "400 bad_path",
		app + "/cgi-bin/media%5cupload":                  "400 bad_path",
		app + "/cgi-bin//media/upload":                   "400 bad_path",
		app + "/cgi-bin/media;x/upload":                  "400 bad_path",
		app + "/cgi-bin/media/upload;x":                  "400 bad_path",
		app + "/cgi-bin/media/upload%00":                 "400 bad_path",
		app + "/cgi-bin/media/upload%3faccess_token%3dx": "400 bad_path",
		app + "/cgi-bin/media/upload%20":                 "400 bad_path",
	} {
		if a := env.call("POST", "/wx/"+path, wechatToken, `{"scene":"a"}`); outcome(a) != want {
			t.Errorf("%s: want %s, got %v", path, want, a)
		}
	}
}

// A response to TRACE echoes the request with its access token.
func TestTraceAndConnectAreNeverRelayed(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, method := range []string{http.MethodTrace, http.MethodConnect} {
		if a := env.call(method, "/wx/"+app+"/wxa/getwxacodeunlimit", wechatToken, ""); outcome(a) != "405 method_not_allowed" {
			t.Errorf("%s: %v", method, a)
		}
	}
	if calls := env.sim.Calls(); len(calls) != 0 {
		t.Errorf("WeChat was called: %+v", calls)
	}
}

// /cgi-bin/* is in the relay list, but does not permit these calls.
func TestCallsWithTheAppSecretAreNeverRelayed(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, path := range []string{
		"/cgi-bin/clear_quota/v2", "/cgi-bin/component/api_component_token", "/cgi-bin/Token", "/cgi-bin/TOKEN",
		"/cgi-bin/token/", "/cgi-bin/stable_token/", "/cgi-bin/%54oken", "/cgi-bin/clear%5fquota/v2", "/cgi-bin/%2574oken", "/cgi-bin/token%3b",
	} {
		a := env.call("POST", "/wx/"+app+path, wechatToken, `{"appid":"`+app+`","secret":"`+appSecret+`"}`)
		if a.Code() != "forbidden" && a.Code() != "bad_path" {
			t.Errorf("%s: %v", path, a)
		}
	}
	if calls := env.sim.Calls(); len(calls) != 0 {
		t.Errorf("WeChat was called: %+v", calls)
	}
}

func TestAnInvalidTokenIsReplacedOnceForTwoInstancesAndFiftyCalls(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	instances := []*testEnv{env, env.twin()}
	shared := env.accessToken(app)
	if instances[1].accessToken(app) != shared {
		t.Fatal("the instances have tokens of their own")
	}
	testkit.Must(t, env.sim.InvalidateToken(app, false))
	before := env.sim.Count("/cgi-bin/stable_token")
	var callers sync.WaitGroup
	for n := range 50 {
		callers.Go(func() {
			a, err := instances[n%2].try("POST", codePath, wechatToken, fmt.Sprintf(`{"scene":"n=%d"}`, n))
			if err != nil || a.Header.Get("Content-Type") != "image/jpeg" {
				t.Errorf("call %d: %v, %v", n, a, err)
			}
		})
	}
	callers.Wait()
	if n := env.sim.Count("/cgi-bin/stable_token") - before; n != 1 {
		t.Errorf("WeChat was called for a token %d times", n)
	}
	fresh := env.accessToken(app)
	if fresh == shared || instances[1].accessToken(app) != fresh {
		t.Error("the instances don't share the fresh token")
	}
	if strings.Contains(env.redis.MustDo("GET", "wxgate:t:"+app), fresh) {
		t.Error("the token is in Redis in plain text")
	}
}

func TestWeChatFaultsAreReportedByTheRelay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault wechattest.Fault
		want  string
	}{
		"busy":            {wechattest.Fault{API: "/cgi-bin/stable_token", Errcode: -1}, "503 wechat_unavailable"},
		"quota used up":   {wechattest.Fault{API: "/cgi-bin/stable_token", Errcode: 45009}, "503 wechat_unavailable"},
		"address refused": {wechattest.Fault{API: "/cgi-bin/stable_token", Errcode: 40164}, "502 wechat_misconfigured"},
		"secret refused":  {wechattest.Fault{API: "/cgi-bin/stable_token", Errcode: 40125}, "502 wechat_misconfigured"},
		"broken off":      {wechattest.Fault{API: "/wxa/getwxacodeunlimit", Drop: true}, "503 wechat_unavailable"},
		"a page of HTML":  {wechattest.Fault{API: "/wxa/getwxacodeunlimit", Status: 502, Body: "<html>"}, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t)
			env.sim.AddFault(c.fault)
			a := env.call("POST", codePath, wechatToken, `{"scene":"a"}`)
			if outcome(a) != c.want || (a.Status == http.StatusServiceUnavailable) != (a.Header.Get("Retry-After") != "") {
				t.Errorf("want %s, got %v, Retry-After %q", c.want, a, a.Header.Get("Retry-After"))
			}
			if strings.Contains(string(a.Body)+env.log.String(), appSecret) {
				t.Error("the AppSecret is in the response or the log")
			}
		})
	}
}
