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

// requestEcho is the sample backend's response: the request as it received it.
type requestEcho struct {
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Query   string      `json:"query,omitempty"`
	Headers http.Header `json:"headers"`
	Bytes   int64       `json:"bytes,omitempty"` // of the body
	Body    string      `json:"body,omitempty"`  // if it is short and UTF-8
}

// sampleBackend is a backend without any authentication of its own, which responds
// with the request that it received. Under /api and /h5, /ws echoes the messages of
// a WebSocket and /events sends the time every second. /h5/page is a web page, and
// /wechat/push replies to messages that users write to customer service.
func sampleBackend(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/api/ws", "/h5/ws":
		echoMessages(w, r)
	case "/api/events", "/h5/events":
		streamTime(w, r)
	case "/h5/page":
		servePage(w, r)
	case "/wechat/push":
		replyToPush(w, r)
	default:
		echoRequest(w, r)
	}
}

// maxEchoedBody bounds a body that is echoed, in bytes.
const maxEchoedBody = 4 << 10

func echoRequest(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEchoedBody))
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	rest, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return // the upload was aborted
	}
	size, text := int64(len(body))+rest, string(body)
	if !utf8.ValidString(text) || rest > 0 {
		text = ""
	}
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(requestEcho{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header, size, text})
}

// echoMessages does not check Origin, which would have to be this backend's own
// host: the gateway decides who may connect, by the token.
func echoMessages(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}, InsecureSkipVerify: true})
	if err != nil {
		return // Accept has written the response
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

func streamTime(w http.ResponseWriter, r *http.Request) {
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
