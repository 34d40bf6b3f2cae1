package playground

import (
	"net/http"
	"strings"
)

// Front is the public handler of `wxgate dev`. Requests with other paths than those of
// the page and the simulator go to the gateway, with their paths unchanged.
type Front struct {
	Recorder  *Recorder
	Simulator http.Handler
	Gateway   http.Handler
	Faults    *Faults
}

// Handler builds the http.Handler.
func (f Front) Handler() http.Handler {
	page := newPage()
	simulator, gateway := f.Recorder.Public(f.Simulator), f.Recorder.Public(f.Gateway)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == "/playground/events":
			f.Recorder.serveEvents(w, r)
		case path == "/playground/faults":
			f.Faults.ServeHTTP(w, r)
		case strings.HasPrefix(path, socketPath+"/"):
			restoreHandshake(r)
			gateway.ServeHTTP(w, r)
		case path == "/" || strings.HasPrefix(path, "/playground/"):
			page.ServeHTTP(w, r)
		case path == "/sim/users" || path == "/sim/calls":
			f.Simulator.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/sim/"):
			simulator.ServeHTTP(w, r)
		default:
			gateway.ServeHTTP(w, r)
		}
	})
}

// socketPath is the prefix of the page's WebSocket handshakes for the gateway.
const socketPath = "/playground/socket"

// restoreHandshake turns a page's handshake into the one that a phone would send. A
// browser can't set headers on a handshake, so the page sends the values as names of
// subprotocols: bearer.TOKEN and id.REQUESTID.
func restoreHandshake(r *http.Request) {
	var real []string
	for name := range strings.SplitSeq(r.Header.Get("Sec-WebSocket-Protocol"), ",") {
		name = strings.TrimSpace(name)
		token, isToken := strings.CutPrefix(name, "bearer.")
		id, isID := strings.CutPrefix(name, "id.")
		switch {
		case isToken:
			r.Header.Set("Authorization", "Bearer "+token)
		case isID:
			r.Header.Set(requestIDHeader, id)
		case name != "":
			real = append(real, name)
		}
	}
	r.Header.Del("Sec-WebSocket-Protocol")
	if len(real) > 0 {
		r.Header.Set("Sec-WebSocket-Protocol", strings.Join(real, ", "))
	}
	r.URL.Path = strings.TrimPrefix(r.URL.Path, socketPath)
	r.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, socketPath)
	r.RequestURI = r.URL.RequestURI()
}
