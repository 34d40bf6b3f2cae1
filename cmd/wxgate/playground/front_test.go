package playground

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestOnlyThePagesOwnPathsAreNotForwarded(t *testing.T) {
	t.Parallel()
	for path, wanted := range map[string]bool{
		"/": false, "/playground/app.mjs": false, "/playground/nothing": false, "/sim/users": false,
		"/api/x": true, "//api/x": true, "/api/../x": true, "/playground": true, "/simulate": true, "/sim": true, "/index.html": true,
	} {
		var reached string
		h := frontOf(func(_ http.ResponseWriter, r *http.Request) { reached = r.URL.Path })
		get(h, path, nil)
		if (reached != "") != wanted || wanted && reached != path {
			t.Errorf("%s reaches the gateway as %q", path, reached)
		}
	}
}

func TestThePagesHandshakeIsForwardedAsAPhoneSendsIt(t *testing.T) {
	t.Parallel()
	var got *http.Request
	h := frontOf(func(_ http.ResponseWriter, r *http.Request) { got = r })
	r := httptest.NewRequest(http.MethodGet, "/playground/socket/api/a%2Fb?x=1", nil)
	r.Header.Set("Sec-WebSocket-Protocol", "echo, bearer.the.to-ken, id.page-7, v2")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got.RequestURI != "/api/a%2Fb?x=1" || got.URL.Path != "/api/a/b" {
		t.Errorf("reaches %s (%s)", got.RequestURI, got.URL.Path)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer the.to-ken", "X-Request-ID": "page-7", "Sec-WebSocket-Protocol": "echo, v2",
	} {
		if has := got.Header.Get(name); has != want {
			t.Errorf("%s: %q, want %q", name, has, want)
		}
	}
}

func TestAWebSocketIsReportedWhenItOpens(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	base := serve(t, r, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\n"))
		conn.Close()
	})
	next := follow(t, base, "")
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("GET /playground/socket/api/ws HTTP/1.1\r\nHost: x\r\n\r\n"))
	if line, _ := bufio.NewReader(conn).ReadString('\n'); line != "HTTP/1.1 101 Switching Protocols\r\n" {
		t.Errorf("the response is %q", line)
	}
	next()
	if e := next(); e.Kind != kindResponse || !containsStatus(e, "101") {
		t.Errorf("sent %s %s", e.Kind, e.Detail)
	}
}

func containsStatus(e pageEvent, status string) bool {
	return len(e.Detail) > 14 && string(e.Detail[:14]) == `{"status":`+status+`,`
}

func frontOf(gateway http.HandlerFunc) http.Handler {
	return Front{Recorder: NewRecorder(), Simulator: http.NotFoundHandler(), Gateway: gateway}.Handler()
}
