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
	noFault        = iota
	unavailable    // responds with 503
	abortsRequest  // closes the connection before a response
	abortsResponse // closes the connection within the response
	down           // refuses connections
	faults         // how many there are
)

// faultyBackend is a backend that responds with what it received, and has one fault at
// a time.
type faultyBackend struct {
	t       *testing.T
	address string
	fault   atomic.Int32
	server  *http.Server // nil: down
}

func newFaultyBackend(t *testing.T) *faultyBackend {
	t.Helper()
	f := &faultyBackend{t: t}
	port := testkit.MustReservePort(t) // for the restarts
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

// nextFault switches between noFault and a random fault.
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

// seenRequest is what a backend received of a request.
type seenRequest struct {
	OpenID, UnionID, AppID []string
	Subject                string // of the assertion
	Token                  []string
	Markers                [3]string // from the header, the query and the body
	Cookie                 string
}

// seenHeader has the same JSON as the body, for responses whose body is truncated.
const seenHeader = "Seen"

func (f *faultyBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := f.fault.Load()
	if fault == abortsRequest {
		panic(http.ErrAbortHandler)
	}
	text, _ := json.Marshal(describeRequest(r))
	w.Header().Set(seenHeader, string(text))
	if name, _, _ := strings.Cut(r.Header.Get("X-Marker"), "/"); strings.HasPrefix(r.URL.Path, "/jar/") {
		http.SetCookie(w, &http.Cookie{Name: "who", Value: name, Path: "/"})
	}
	if fault == unavailable {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(text)
	if fault == abortsResponse {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func describeRequest(r *http.Request) seenRequest {
	body, _ := io.ReadAll(r.Body)
	return seenRequest{
		OpenID: r.Header["X-Openid"], UnionID: r.Header["X-Unionid"], AppID: r.Header["X-Appid"],
		Subject: subject(r.Header.Get("X-Assertion")), Token: r.Header["Authorization"],
		Markers: [3]string{r.Header.Get("X-Marker"), r.URL.Query().Get("marker"), string(body)},
		Cookie:  r.Header.Get("Cookie"),
	}
}

// subject returns the sub of a JWT, without verifying it.
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
