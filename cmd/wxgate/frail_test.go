package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"wxgate/internal/testkit"
)

// The moods of a frail backend.
const (
	well       = iota
	busy       // says 503
	hangingUp  // breaks the connection off before an answer
	breakingUp // and in the middle of one
	gone       // refuses connections; the process is dead
	moods
)

// frail is a backend on an address of its own that tells what it saw of each
// request, in one mood or another.
type frail struct {
	t       *testing.T
	address string
	mood    atomic.Int32
	server  *http.Server // nil: gone
}

func newFrail(t *testing.T) *frail {
	t.Helper()
	f := &frail{t: t}
	testkit.Eventually(t, "a free port", func() bool {
		f.address = fmt.Sprintf("127.0.0.1:%d", 22000+rand.IntN(10000)) // below the ports that systems give out, to find it free again
		return f.start()
	})
	t.Cleanup(f.stop)
	return f
}

func (f *frail) url() string { return "http://" + f.address }

func (f *frail) start() bool {
	ln, err := net.Listen("tcp", f.address)
	if err != nil {
		return false
	}
	f.server = &http.Server{Handler: f}
	go f.server.Serve(ln)
	return true
}

func (f *frail) stop() {
	if f.server != nil {
		f.server.Close()
		f.server = nil
	}
}

// turn changes the mood. Of two, the backend is well after one.
func (f *frail) turn() {
	mood := int32(well)
	if f.mood.Load() == well {
		mood = rand.Int32N(moods)
	}
	f.become(mood)
}

func (f *frail) become(mood int32) {
	f.mood.Store(mood)
	if mood == gone {
		f.stop()
	} else if f.server == nil && !f.start() {
		f.t.Errorf("%s can't be listened on again", f.address)
	}
}

// sighting is what a backend sees of a request.
type sighting struct {
	OpenID, UnionID, AppID []string
	Subject                string // of the assertion
	Token                  []string
	Markers                [3]string // as they came in the header, the query and the body
	Cookie                 string
}

// seenHeader carries the sighting too, for answers whose body breaks off.
const seenHeader = "Seen"

func (f *frail) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mood := f.mood.Load()
	if mood == hangingUp {
		panic(http.ErrAbortHandler)
	}
	text, _ := json.Marshal(look(r))
	w.Header().Set(seenHeader, string(text))
	if name, _, _ := strings.Cut(r.Header.Get("X-Marker"), "/"); strings.HasPrefix(r.URL.Path, "/jar/") {
		http.SetCookie(w, &http.Cookie{Name: "who", Value: name, Path: "/"})
	}
	if mood == busy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(text)
	if mood == breakingUp {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func look(r *http.Request) sighting {
	body, _ := io.ReadAll(r.Body)
	return sighting{
		OpenID: r.Header["X-Openid"], UnionID: r.Header["X-Unionid"], AppID: r.Header["X-Appid"],
		Subject: subject(r.Header.Get("X-Assertion")), Token: r.Header["Authorization"],
		Markers: [3]string{r.Header.Get("X-Marker"), r.URL.Query().Get("marker"), string(body)},
		Cookie:  r.Header.Get("Cookie"),
	}
}

// subject is the sub of a JWT whose signature is no matter here.
func subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return token
	}
	var claims struct{ Sub string }
	text, _ := base64.RawURLEncoding.DecodeString(parts[1])
	_ = json.Unmarshal(text, &claims)
	return claims.Sub
}
