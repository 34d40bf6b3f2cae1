package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"wxgate/internal/testkit"
)

// The faults of a faultyBackend.
const (
	noFault       = iota
	unavailable   // answers 503
	abortsRequest // breaks the connection off before an answer
	abortsAnswer  // and in the middle of one
	down          // refuses connections
	faults        // how many there are
)

// faultyBackend is a backend on an address of its own that tells what it saw of each
// request, and has one of the faults at a time.
type faultyBackend struct {
	t       *testing.T
	address string
	fault   atomic.Int32
	server  *http.Server // nil: down
}

func newFaultyBackend(t *testing.T) *faultyBackend {
	t.Helper()
	f := &faultyBackend{t: t}
	port := testkit.MustReservePort(t) // free again each time that the backend comes back
	t.Cleanup(port.Release)
	f.address = port.Addr()
	if !f.start() {
		t.Fatalf("%s can't be listened on", f.address)
	}
	t.Cleanup(f.stop)
	return f
}

func (f *faultyBackend) url() string { return "http://" + f.address }

func (f *faultyBackend) start() bool {
	ln, err := net.Listen("tcp", f.address)
	if err != nil {
		return false
	}
	f.server = &http.Server{Handler: f}
	go f.server.Serve(ln)
	return true
}

func (f *faultyBackend) stop() {
	if f.server != nil {
		f.server.Close()
		f.server = nil
	}
}

// nextFault changes the fault: every second one is none.
func (f *faultyBackend) nextFault() {
	fault := int32(noFault)
	if f.fault.Load() == noFault {
		fault = rand.Int32N(faults)
	}
	f.setFault(fault)
}

func (f *faultyBackend) setFault(fault int32) {
	f.fault.Store(fault)
	if fault == down {
		f.stop()
	} else if f.server == nil && !f.start() {
		f.t.Errorf("%s can't be listened on again", f.address)
	}
}

// seenRequest is what a backend sees of a request.
type seenRequest struct {
	OpenID, UnionID, AppID []string
	Subject                string // of the assertion
	Token                  []string
	Markers                [3]string // as they came in the header, the query and the body
	Cookie                 string
}

// seenHeader carries the same too, for answers whose body breaks off.
const seenHeader = "Seen"

func (f *faultyBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := f.fault.Load()
	if fault == abortsRequest {
		panic(http.ErrAbortHandler)
	}
	text, _ := json.Marshal(look(r))
	w.Header().Set(seenHeader, string(text))
	if name, _, _ := strings.Cut(r.Header.Get("X-Marker"), "/"); strings.HasPrefix(r.URL.Path, "/jar/") {
		http.SetCookie(w, &http.Cookie{Name: "who", Value: name, Path: "/"})
	}
	if fault == unavailable {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(text)
	if fault == abortsAnswer {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func look(r *http.Request) seenRequest {
	body, _ := io.ReadAll(r.Body)
	return seenRequest{
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
