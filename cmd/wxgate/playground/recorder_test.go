package playground

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/session"
	"wxgate/wechat/wechattest"
)

// pageEvent is an event as a page receives it.
type pageEvent struct {
	id     string
	Call   int64           `json:"call"`
	Kind   kind            `json:"kind"`
	Detail json.RawMessage `json:"detail"`
}

// follow opens the event stream of a server for a page whose last event was lastID.
func follow(t *testing.T, base, lastID string) func() pageEvent {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/playground/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", lastID)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q", got)
	}
	lines := bufio.NewReader(res.Body)
	return func() pageEvent {
		t.Helper()
		var e pageEvent
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the stream has ended: %v", err)
			}
			if id, found := strings.CutPrefix(line, "id: "); found {
				e.id = strings.TrimSpace(id)
			}
			data, found := strings.CutPrefix(line, "data: ")
			if found && e.id != "" {
				if err := json.Unmarshal([]byte(data), &e); err != nil {
					t.Fatal(err)
				}
				return e
			}
		}
	}
}

// serve runs a Front with a gateway.
func serve(t *testing.T, r *Recorder, gateway http.HandlerFunc) string {
	t.Helper()
	sim := wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: "wx1", Secret: "s"}}, Control: true})
	server := httptest.NewServer(Front{Recorder: r, Simulator: sim, Gateway: gateway}.Handler())
	t.Cleanup(func() {
		r.Close()
		server.Close()
	})
	return server.URL
}

// fakeToken returns a token with the claims of a gateway's token.
func fakeToken(appid, openid string) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"HS256"}`) + "." + part(fmt.Sprintf(`{"sub":%q,"aud":%q}`, openid, appid)) + "." + part("a signature of some length")
}

func post(t *testing.T, url, body string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
}

func TestTheStepsOfACallAreSentInOrder(t *testing.T) {
	t.Parallel()
	token := fakeToken("wx1", "o-alice")
	r := NewRecorder()
	r.Inspect = func(_ context.Context, appid, openid string) ([]session.Entry, error) {
		return []session.Entry{{Key: appid + " " + openid, Fields: []session.Field{{Name: "k", Value: "sealed (56 bytes)"}}}}, nil
	}
	backend := r.Backend(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	base := serve(t, r, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		r.WeChat(wechattest.Call{API: "/sns/jscode2session", Query: "js_code=the-code&secret=[redacted]"})
		asked := httptest.NewRequest(http.MethodGet, "/behind", nil)
		asked.Header.Set("X-Request-ID", req.Header.Get("X-Request-ID"))
		asked.Header.Set("X-OpenID", "o-alice")
		backend.ServeHTTP(httptest.NewRecorder(), asked)
		fmt.Fprintf(w, `{"token":%q}`, token)
	})
	next := follow(t, base, "")
	post(t, base+"/auth/login", `{"code":"the-code"}`, http.Header{"X-Request-Id": {"mine"}})

	for _, want := range []struct {
		kind kind
		has  string
	}{
		{kindRequest, `"request_id":"mine"`}, {kindWeChat, "the-code"}, {kindBackend, `"X-Openid":["o-alice"]`},
		{kindResponse, `"request_body":"{\"code\":\"the-code\"}"`}, {kindStore, `"key":"wx1 o-alice"`},
	} {
		got := next()
		if got.Kind != want.kind || got.Call != 1 || !strings.Contains(string(got.Detail), want.has) {
			t.Errorf("sent %s of %d: %s; want %s with %s", got.Kind, got.Call, got.Detail, want.kind, want.has)
		}
		if strings.Contains(string(got.Detail), token) {
			t.Errorf("%s shows the token", got.Kind)
		}
	}
}

func TestAReconnectedPageGetsTheMissedEvents(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	base := serve(t, r, func(http.ResponseWriter, *http.Request) {})
	post(t, base+"/one", "", nil)
	next := follow(t, base, "")
	next()
	seen := next()
	post(t, base+"/two", "", nil)
	if e := follow(t, base, seen.id)(); e.Kind != kindRequest || !strings.Contains(string(e.Detail), "/two") {
		t.Errorf("after %s: %s %s", seen.id, e.Kind, e.Detail)
	}
	if e := follow(t, base, "an-earlier-process.7")(); !strings.Contains(string(e.Detail), "/one") {
		t.Errorf("the first event for a page of an earlier process: %s", e.Detail)
	}
}

func TestTheStreamOfASlowPageIsClosed(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	_, next := r.subscribe("")
	for range subscriberQueue + 1 {
		r.WeChat(wechattest.Call{API: "/"})
	}
	got := 0
	for range next {
		got++
	}
	if got != subscriberQueue {
		t.Errorf("%d events before the stream was closed", got)
	}
	if past, _ := r.subscribe(r.eventID(int64(got))); len(past) != 1 {
		t.Errorf("%d missed events", len(past))
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	for range historyLength + 50 {
		r.WeChat(wechattest.Call{API: "/"})
	}
	past, _ := r.subscribe("")
	if len(past) != historyLength || past[0].id != 51 {
		t.Errorf("%d events from number %d", len(past), past[0].id)
	}
}

func TestCloseEndsTheStreams(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.serveEvents(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}()
	r.Close()
	r.Close() // a second call has no effect
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("a stream is still open")
	}
}

func TestACallToWeChatBelongsToTheCallThatSentTheCode(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	var under [2]*call
	for i, code := range []string{"code-a", "code-b"} {
		req := httptest.NewRequest(http.MethodPost, "/auth/login", strings.NewReader(fmt.Sprintf(`{"code":%q}`, code)))
		under[i] = r.begin(req)
		_, _ = io.Copy(io.Discard, req.Body)
	}
	for query, want := range map[string]*call{"js_code=code-a": under[0], "js_code=code-b": under[1], "": under[1]} {
		if got := r.causeOf(wechattest.Call{Query: query}); got != want.number {
			t.Errorf("%q belongs to %d, not %d", query, want.number, got)
		}
	}
	r.end(under[0])
	r.end(under[1])
	if got := r.causeOf(wechattest.Call{}); got != 0 {
		t.Errorf("a call without a cause belongs to %d", got)
	}
}

func TestTheStoreIsReportedOnlyWhenItHasChanged(t *testing.T) {
	t.Parallel()
	var nickname atomic.Value
	nickname.Store("one")
	r := NewRecorder()
	asked := make(chan struct{}, 10)
	r.Inspect = func(context.Context, string, string) ([]session.Entry, error) {
		defer func() { asked <- struct{}{} }()
		return []session.Entry{{Key: "u:1", TTL: time.Duration(time.Now().UnixNano()), Fields: []session.Field{{Name: "w", Value: nickname.Load().(string)}}}}, nil
	}
	_, next := r.subscribe("")
	alice := userKey{"wx1", "o-alice"}
	for _, name := range []string{"one", "one", "two"} {
		nickname.Store(name)
		r.inspectStore(1, alice)
		<-asked // the next read waits until this one has been reported
	}
	for _, want := range []string{`"one"`, `"two"`} {
		if f := <-next; !strings.Contains(string(f.data), want) {
			t.Errorf("sent %s", f.data)
		}
	}
}

func TestTokensAreShortened(t *testing.T) {
	t.Parallel()
	token := fakeToken("wx1", "o-alice")
	for _, text := range []string{token, "Bearer " + token, `{"token":"` + token + `"}`} {
		if got := shorten(text); strings.Contains(got, token[:20]) || !strings.Contains(got, token[len(token)-6:]) {
			t.Errorf("%s", got)
		}
	}
	if got := userOf(token); got != (userKey{"wx1", "o-alice"}) {
		t.Errorf("its user is %v", got)
	}
}

func FuzzTokenClaims(f *testing.F) {
	f.Add(fakeToken("wx1", "o-alice"))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		_ = userOf(token)
		_ = shorten(token)
	})
}

func TestALongBodyIsClipped(t *testing.T) {
	t.Parallel()
	var c clip
	c.add([]byte(strings.Repeat("字", clipLength)))
	got := c.text()
	if len(got) > clipLength+100 || !strings.HasSuffix(got, fmt.Sprintf("… (%d bytes in all)", 3*clipLength)) {
		t.Errorf("%d bytes: …%s", len(got), got[len(got)-60:])
	}
	if c := (&clip{kept: []byte{0xff, 0xfe}, total: 2}); c.text() != "(2 bytes, not text)" {
		t.Errorf("%q", c.text())
	}
}
