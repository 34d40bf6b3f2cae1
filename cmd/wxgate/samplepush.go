package main

import (
	"encoding/json"
	"net/http"
	"time"
)

// pushMessage is a message to customer service, as WeChat pushes it in JSON. The
// reply has the same form, with sender and receiver exchanged.
type pushMessage struct {
	ToUserName   string
	FromUserName string
	CreateTime   int64
	MsgType      string
	Content      string
}

// replyToPush responds to text messages with a passive reply and accepts all others.
// The gateway has verified and decrypted them.
func replyToPush(w http.ResponseWriter, r *http.Request) {
	var m pushMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&m); err != nil {
		http.Error(w, "the message could not be read", http.StatusBadRequest)
		return
	}
	if m.MsgType != "text" {
		_, _ = w.Write([]byte("success"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(pushMessage{m.FromUserName, m.ToUserName, time.Now().Unix(), "text", "Got it · 收到: " + m.Content})
}
