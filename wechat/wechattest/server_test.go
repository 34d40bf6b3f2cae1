package wechattest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/wechat/wechattest"
)

// testSimulator is a simulated WeChat with two apps, and its clock.
type testSimulator struct {
	*wechattest.Server
	testkit.Clock
	t    *testing.T
	base string
}

func newTestSimulator(t *testing.T, change ...func(*wechattest.Options)) *testSimulator {
	t.Helper()
	sim := &testSimulator{t: t}
	o := wechattest.Options{Now: sim.Now, Apps: []wechattest.App{{ID: "wx1", Secret: "s1"}, {ID: "wx2", Secret: "s2"}}}
	for _, f := range change {
		f(&o)
	}
	sim.Server = wechattest.New(o)
	srv := httptest.NewServer(sim.Server)
	t.Cleanup(srv.Close)
	sim.base = srv.URL
	return sim
}

func (sim *testSimulator) user(appid, name string) *wechattest.User {
	sim.t.Helper()
	u, err := sim.User(appid, name)
	if err != nil {
		sim.t.Fatal(err)
	}
	return u
}

// result is a response.
type result struct {
	status      int
	contentType string
	body        string
	fields      map[string]any
}

func (s result) errcode() int {
	code, _ := s.fields["errcode"].(float64)
	return int(code)
}

func (s result) text(field string) string {
	text, _ := s.fields[field].(string)
	return text
}

func (sim *testSimulator) send(method, path string, query url.Values, body string) result {
	sim.t.Helper()
	req, err := http.NewRequestWithContext(sim.t.Context(), method, sim.base+path+"?"+query.Encode(), strings.NewReader(body))
	if err != nil {
		sim.t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		sim.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		sim.t.Fatal(err)
	}
	s := result{status: res.StatusCode, contentType: res.Header.Get("Content-Type"), body: string(text)}
	_ = json.Unmarshal(text, &s.fields)
	return s
}

func (sim *testSimulator) get(path string, query url.Values) result {
	sim.t.Helper()
	return sim.send("GET", path, query, "")
}

// query returns the query of these names and values.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func (sim *testSimulator) login(appid, secret, code string) result {
	sim.t.Helper()
	return sim.get("/sns/jscode2session", query("appid", appid, "secret", secret, "js_code", code, "grant_type", "authorization_code"))
}

func (sim *testSimulator) stableToken(force bool) result {
	sim.t.Helper()
	body, _ := json.Marshal(map[string]any{"grant_type": "client_credential", "appid": "wx1", "secret": "s1", "force_refresh": force})
	return sim.send("POST", "/cgi-bin/stable_token", nil, string(body))
}

// token returns the access token of the first app.
func (sim *testSimulator) token() string {
	sim.t.Helper()
	return sim.stableToken(false).text("access_token")
}

func (sim *testSimulator) expect(what string, s result, errcode int) {
	sim.t.Helper()
	if s.errcode() != errcode || s.status != 200 {
		sim.t.Errorf("%s: status %d, %s; want errcode %d", what, s.status, s.body, errcode)
	}
	if errcode != 0 && !strings.Contains(s.text("errmsg"), "rid: ") {
		sim.t.Errorf("%s: no rid in %s", what, s.body)
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
		t.Error("it still accepts connections")
	}
}

func TestChecksOfEveryCall(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	good := query("access_token", sim.token())
	sim.expect("unknown path", sim.get("/wxa/nothing", good), 40066)
	sim.expect("no token", sim.get("/wxa/checksession", nil), 41001)
	sim.expect("made-up token", sim.get("/wxa/checksession", query("access_token", "x")), 40014)
	sim.expect("POST for GET", sim.send("POST", "/wxa/checksession", good, "{}"), 43001)
	sim.expect("GET for POST", sim.get("/wxa/business/getuserphonenumber", good), 43002)
	sim.expect("empty body", sim.send("POST", "/wxa/business/getuserphonenumber", good, ""), 44002)
	sim.expect("bad JSON", sim.send("POST", "/wxa/business/getuserphonenumber", good, "{"), 47001)
	sim.expect("wrong types", sim.send("POST", "/wxa/business/getuserphonenumber", good, `{"code":1}`), 47001)
	sim.Advance(2 * time.Hour)
	sim.expect("expired token", sim.get("/wxa/checksession", good), 42001)
}
