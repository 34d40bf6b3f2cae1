package wechattest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/wechat/wechattest"
)

// world is a WeChat with two apps on a clock that tests move.
type world struct {
	*wechattest.Server
	t    *testing.T
	base string
	mu   sync.Mutex
	now  time.Time
}

func newWorld(t *testing.T, change ...func(*wechattest.Options)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	o := wechattest.Options{Now: w.clock, Apps: []wechattest.App{{ID: "wx1", Secret: "s1"}, {ID: "wx2", Secret: "s2"}}}
	for _, f := range change {
		f(&o)
	}
	w.Server = wechattest.New(o)
	srv := httptest.NewServer(w.Server)
	t.Cleanup(srv.Close)
	w.base = srv.URL
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) user(appid, name string) *wechattest.User {
	w.t.Helper()
	u, err := w.User(appid, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// said is an answer as it came.
type said struct {
	status      int
	contentType string
	body        string
	fields      map[string]any
}

func (s said) errcode() int {
	code, _ := s.fields["errcode"].(float64)
	return int(code)
}

func (s said) text(field string) string {
	text, _ := s.fields[field].(string)
	return text
}

func (w *world) send(method, path string, query url.Values, body string) said {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.base+path+"?"+query.Encode(), strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	s := said{status: res.StatusCode, contentType: res.Header.Get("Content-Type"), body: string(text)}
	_ = json.Unmarshal(text, &s.fields)
	return s
}

func (w *world) get(path string, query url.Values) said {
	w.t.Helper()
	return w.send("GET", path, query, "")
}

// query builds one of name, value, name, value …
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func (w *world) login(appid, secret, code string) said {
	w.t.Helper()
	return w.get("/sns/jscode2session", query("appid", appid, "secret", secret, "js_code", code, "grant_type", "authorization_code"))
}

func (w *world) stableToken(force bool) said {
	w.t.Helper()
	body, _ := json.Marshal(map[string]any{"grant_type": "client_credential", "appid": "wx1", "secret": "s1", "force_refresh": force})
	return w.send("POST", "/cgi-bin/stable_token", nil, string(body))
}

// token is an access token of the first app.
func (w *world) token() string {
	w.t.Helper()
	return w.stableToken(false).text("access_token")
}

func (w *world) expect(what string, s said, errcode int) {
	w.t.Helper()
	if s.errcode() != errcode || s.status != 200 {
		w.t.Errorf("%s: status %d, %s; want errcode %d", what, s.status, s.body, errcode)
	}
	if errcode != 0 && !strings.Contains(s.text("errmsg"), "rid: ") {
		w.t.Errorf("%s: no rid in %s", what, s.body)
	}
}

func TestStartServesOnALoopbackPort(t *testing.T) {
	t.Parallel()
	base, stop, err := wechattest.New(wechattest.Options{}).Start()
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(base + "/sns/jscode2session")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	stop()
	if res, err := http.Get(base); err == nil {
		_ = res.Body.Close()
		t.Error("it serves on")
	}
}

func TestWhatEveryCallIsCheckedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := query("access_token", w.token())
	w.expect("unknown path", w.get("/wxa/nothing", good), 40066)
	w.expect("no token", w.get("/wxa/checksession", nil), 41001)
	w.expect("made-up token", w.get("/wxa/checksession", query("access_token", "x")), 40014)
	w.expect("POST for GET", w.send("POST", "/wxa/checksession", good, "{}"), 43001)
	w.expect("GET for POST", w.get("/wxa/business/getuserphonenumber", good), 43002)
	w.expect("empty body", w.send("POST", "/wxa/business/getuserphonenumber", good, ""), 44002)
	w.expect("bad JSON", w.send("POST", "/wxa/business/getuserphonenumber", good, "{"), 47001)
	w.expect("wrong types", w.send("POST", "/wxa/business/getuserphonenumber", good, `{"code":1}`), 47001)
	w.advance(2 * time.Hour)
	w.expect("ended token", w.get("/wxa/checksession", good), 42001)
}
