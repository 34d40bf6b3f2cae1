package wechat_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

// pushReceiver verifies pushes, and responds to the n-th one by reply.
type pushReceiver struct {
	push  *wechat.Push
	reply func(n int, m wechat.PushMessage) (status int, reply string)

	mu       sync.Mutex
	received []wechat.PushMessage
	errs     []error
}

func (p *pushReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		echo, err := p.push.CheckURL(r.URL.RawQuery, time.Now())
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
		}
		fmt.Fprint(w, echo)
		return
	}
	body, _ := io.ReadAll(r.Body)
	m, err := p.push.Open(r.URL.RawQuery, body, time.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.errs = append(p.errs, err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	p.received = append(p.received, m)
	status, reply := p.reply(len(p.received), m)
	if reply == "" {
		w.WriteHeader(status)
		fmt.Fprint(w, "success")
		return
	}
	encrypted, contentType := p.push.Reply(m, []byte(reply), time.Now())
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(encrypted)
}

// The simulator has its own implementation of the encryption.
func TestSimulatedPushesAndReplies(t *testing.T) {
	t.Parallel()
	sim := wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: appID, Secret: appSecret}}, Control: true})
	control := httptest.NewServer(sim)
	defer control.Close()
	for _, plain := range []bool{false, true} {
		for _, format := range []string{"json", "xml"} {
			receiver := &pushReceiver{push: newPush(t, plain), reply: func(n int, m wechat.PushMessage) (int, string) {
				if n == 1 {
					return http.StatusInternalServerError, ""
				}
				return http.StatusOK, "<xml><Content>好</Content></xml>"
			}}
			srv := httptest.NewServer(receiver)
			defer srv.Close()
			key := pushKey
			if plain {
				key = ""
			}
			settings := fmt.Sprintf(`"url":%q,"token":%q,"aes_key":%q,"format":%q`, srv.URL+"/push", pushToken, key, format)
			check := postJSON(t, control.URL+"/sim/push-url", "{"+settings+"}")
			if check["ok"] != true {
				t.Errorf("the check of the URL: %v", check)
			}
			got := postJSON(t, control.URL+"/sim/push", `{"user":"alice",`+settings+`,"interval":"1ms","message":{"Content":"<你好> ]]>","SubscribeMsgPopupEvent":{"List":[{"a":"1"},{"a":"2"}]}}}`)
			if attempts, _ := got["attempts"].([]any); len(attempts) != 2 || got["accepted"] != true || got["reply"] != "<xml><Content>好</Content></xml>" {
				t.Errorf("plain %v, %s: %v", plain, format, got)
			}
			if len(receiver.received) != 2 || len(receiver.errs) != 0 || receiver.received[0].ID != receiver.received[1].ID {
				t.Fatalf("plain %v, %s: %+v, %v", plain, format, receiver.received, receiver.errs)
			}
			m, u := receiver.received[0], mustUser(t, sim, "alice")
			if !strings.Contains(string(m.Body), "你好") || !plain && (m.OpenID != u.OpenID || !strings.HasPrefix(m.ID, "id:")) {
				t.Errorf("plain %v, %s: %+v %s", plain, format, m, m.Body)
			}
		}
	}
}

func TestSimulatorRetriesAPushThreeTimes(t *testing.T) {
	t.Parallel()
	receiver := &pushReceiver{push: newPush(t, false), reply: func(int, wechat.PushMessage) (int, string) { return http.StatusInternalServerError, "" }}
	srv := httptest.NewServer(receiver)
	defer srv.Close()
	u := mustUser(t, wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: appID}}}), "alice")
	to := wechattest.PushSettings{URL: srv.URL, Token: pushToken, AESKey: pushKey}
	got, err := u.Push(t.Context(), to, map[string]json.RawMessage{"MsgType": json.RawMessage(`"event"`)}, 0, time.Millisecond)
	if err != nil || len(got.Attempts) != 4 || got.Accepted || len(receiver.received) != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, m := range receiver.received {
		if m.ID != receiver.received[0].ID || !strings.HasPrefix(m.ID, "sha256:") {
			t.Errorf("the retry of an event has another ID: %s", m.ID)
		}
	}
	// Messages that are old, for another app or unsigned are refused.
	other := mustUser(t, wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: "wxother"}}}), "alice")
	for name, push := range map[string]func() (wechattest.PushResult, error){
		"old": func() (wechattest.PushResult, error) {
			return u.Push(t.Context(), to, nil, 11*time.Minute, time.Millisecond)
		},
		"another app": func() (wechattest.PushResult, error) { return other.Push(t.Context(), to, nil, 0, time.Millisecond) },
		"another token": func() (wechattest.PushResult, error) {
			return u.Push(t.Context(), wechattest.PushSettings{URL: srv.URL, Token: "other", AESKey: pushKey}, nil, 0, time.Millisecond)
		},
		"plain": func() (wechattest.PushResult, error) {
			return u.Push(t.Context(), wechattest.PushSettings{URL: srv.URL, Token: pushToken}, nil, 0, time.Millisecond)
		},
	} {
		got, err := push()
		if err != nil || got.Accepted || len(got.Attempts) != 4 || got.Attempts[0].Status != http.StatusForbidden {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func mustUser(t *testing.T, sim *wechattest.Server, name string) *wechattest.User {
	t.Helper()
	u, err := sim.User("", name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func postJSON(t *testing.T, target, body string) (got map[string]any) {
	t.Helper()
	res, err := http.Post(target, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v, %v", target, res.StatusCode, got, err)
	}
	return got
}
