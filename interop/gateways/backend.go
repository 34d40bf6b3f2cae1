package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// backend is the server behind the balancers. /headers returns the request's header,
// /upload reports the first byte on arrived and returns the length of the body, /events
// sends a second event after confirmed, /socket echoes a message. Any other path is a 200,
// for health checks.
type backend struct {
	arrived   chan struct{} // receives when the first byte of an upload has arrived
	confirmed chan struct{} // the client sends when it has read the first event
}

func newBackend() *backend {
	return &backend{arrived: make(chan struct{}, 1), confirmed: make(chan struct{}, 1)}
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/headers":
		_ = json.NewEncoder(w).Encode(r.Header)
	case "/upload":
		b.upload(w, r)
	case "/events":
		b.events(w, r)
	case "/socket":
		echo(w, r)
	}
}

func (b *backend) upload(w http.ResponseWriter, r *http.Request) {
	if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil {
		return
	}
	b.arrived <- struct{}{}
	n, _ := io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, n+1)
}

func (b *backend) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "data: 1\n\n")
	_ = http.NewResponseController(w).Flush()
	select {
	case <-b.confirmed:
		fmt.Fprint(w, "data: 2\n\n")
	case <-r.Context().Done():
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has responded
	}
	defer socket.CloseNow()
	kind, message, err := socket.Read(r.Context())
	if err == nil {
		_ = socket.Write(r.Context(), kind, message)
	}
	_, _, _ = socket.Read(r.Context()) // until the other side closes
}
