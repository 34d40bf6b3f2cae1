package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// echo is what the sample backend answers: the request as it received it.
type echo struct {
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Query   string      `json:"query,omitempty"`
	Headers http.Header `json:"headers"`
	Bytes   int64       `json:"bytes,omitempty"` // of the body
	Body    string      `json:"body,omitempty"`  // its beginning
}

// sampleBackend is a legacy backend in miniature: it knows nothing of tokens, and
// shows what it received. /ws echoes messages of a WebSocket, /events tells
// the time each second, under /api and under /h5; /h5/page is a web page, and
// /wechat/push answers messages that users write to customer service.
func sampleBackend(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/api/ws", "/h5/ws":
		echoMessages(w, r)
	case "/api/events", "/h5/events":
		sendTime(w, r)
	case "/h5/page":
		servePage(w, r)
	case "/wechat/push":
		replyToPush(w, r)
	default:
		showRequest(w, r)
	}
}

// shownBody is how many bytes of a body are shown.
const shownBody = 4 << 10

func showRequest(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, shownBody))
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	rest, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return // the upload was broken off
	}
	size, shown := int64(len(body))+rest, string(body)
	if !utf8.ValidString(shown) || rest > 0 {
		shown = ""
	}
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(echo{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header, size, shown})
}

// echoMessages leaves out the check of Origin that would compare it with this
// backend's own name: who may connect is the gateway's to say, by the token.
func echoMessages(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}, InsecureSkipVerify: true})
	if err != nil {
		return // it has been answered
	}
	defer socket.CloseNow()
	for {
		kind, message, err := socket.Read(r.Context())
		if err != nil {
			return // the other side has closed
		}
		if err := socket.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}

func sendTime(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for now := time.Now(); ; {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", now.Format(time.TimeOnly)); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case now = <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}
