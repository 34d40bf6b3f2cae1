package wechattest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"wxgate/internal/sleep"
)

// PushSettings are the settings of message push in WeChat's console.
type PushSettings struct {
	URL    string // that messages are sent to
	Token  string
	AESKey string // EncodingAESKey; empty: plain mode
	XML    bool   // format of the messages: XML or JSON
}

// SetPush changes the settings of an app's message push, as in WeChat's console.
func (s *Server) SetPush(appid string, settings PushSettings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(appid)
	if err != nil {
		return err
	}
	a.Push = settings
	return nil
}

// pushSettingsOf returns the settings of an app's message push.
func (s *Server) pushSettingsOf(a *app) PushSettings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.Push
}

// WeChat waits five seconds for a response, and sends a message that was not accepted three
// more times, five seconds apart.
const (
	pushTimeout  = 5 * time.Second
	pushInterval = 5 * time.Second
	pushRetries  = 3
	maxPushReply = 1 << 20
)

// PushAttempt is one attempt to send a message.
type PushAttempt struct {
	Status int    `json:"status"` // 0: no response
	Body   string `json:"body"`
	Error  string `json:"error,omitempty"`
}

// PushResult is the result of sending a message.
type PushResult struct {
	Attempts []PushAttempt `json:"attempts"`
	Accepted bool          `json:"accepted"`        // the response was "success", empty, or a valid reply
	Reply    string        `json:"reply,omitempty"` // the passive reply, decrypted
}

// Push sends a message of the user: signed, encrypted in AES mode, and retried as by WeChat
// until it is accepted, interval apart (0: five seconds). The fields that every message
// has are added if they are missing. The time of the message and of its signature is
// age ago.
func (u *User) Push(ctx context.Context, settings PushSettings, message map[string]json.RawMessage, age, interval time.Duration) (PushResult, error) {
	p := pusher{u, settings, u.server.now().Add(-age)}
	body := p.message(message)
	if interval == 0 {
		interval = pushInterval
	}
	var result PushResult
	for attempt := 0; attempt <= pushRetries && !result.Accepted; attempt++ {
		if attempt > 0 && !sleep.For(ctx, interval) {
			return result, ctx.Err()
		}
		a, err := p.send(ctx, body)
		if err != nil {
			return result, err
		}
		result.Attempts = append(result.Attempts, a)
		result.Reply, result.Accepted = p.accepted(a)
	}
	return result, nil
}

// CheckPushURL checks the URL as WeChat's console does, and reports whether it responded
// with the echostr.
func (u *User) CheckPushURL(ctx context.Context, settings PushSettings) (PushAttempt, bool, error) {
	p := pusher{u, settings, u.server.now()}
	echo := strconv.FormatInt(newMsgID(), 10)
	q := p.query("")
	q.Set("echostr", echo)
	a, err := p.do(ctx, http.MethodGet, q, nil)
	return a, err == nil && a.Status == http.StatusOK && a.Body == echo, err
}

// pusher sends messages of one user to one URL.
type pusher struct {
	user     *User
	settings PushSettings
	at       time.Time // of the messages and their signatures
}

// send makes one attempt. Each attempt has its own signature and encryption.
func (p pusher) send(ctx context.Context, message []byte) (PushAttempt, error) {
	if p.settings.AESKey == "" {
		return p.do(ctx, http.MethodPost, p.query(""), message)
	}
	encrypted, err := encryptPush(p.settings.AESKey, p.user.AppID, message)
	if err != nil {
		return PushAttempt{}, err
	}
	body := mustJSON(map[string]string{"ToUserName": "gh_1", "Encrypt": encrypted})
	if p.settings.XML {
		body = []byte("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>")
	}
	return p.do(ctx, http.MethodPost, p.query(encrypted), body)
}

func (p pusher) query(encrypted string) url.Values {
	timestamp, nonce := strconv.FormatInt(p.at.Unix(), 10), strconv.FormatInt(newMsgID()%10_000_000_000, 10)
	q := url.Values{"timestamp": {timestamp}, "nonce": {nonce}, "signature": {pushSignature(p.settings.Token, timestamp, nonce)}}
	if encrypted != "" {
		q.Set("openid", p.user.OpenID)
		q.Set("encrypt_type", "aes")
		q.Set("msg_signature", pushSignature(p.settings.Token, timestamp, nonce, encrypted))
	}
	return q
}

func (p pusher) do(ctx context.Context, method string, q url.Values, body []byte) (PushAttempt, error) {
	target, err := addQuery(p.settings.URL, q)
	if err != nil {
		return PushAttempt{}, fmt.Errorf("push: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return PushAttempt{}, err
	}
	req.Header.Set("User-Agent", "Mozilla/4.0")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", p.contentType())
	}
	res, err := callbackClient.Do(req)
	if err != nil {
		return PushAttempt{Error: err.Error()}, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxPushReply))
	if err != nil {
		return PushAttempt{Error: err.Error()}, nil
	}
	return PushAttempt{Status: res.StatusCode, Body: string(text)}, nil
}

func (p pusher) contentType() string {
	if p.settings.XML {
		return "text/xml"
	}
	return "application/json"
}

// accepted reports whether WeChat accepts a response, and returns the reply in it.
func (p pusher) accepted(a PushAttempt) (reply string, ok bool) {
	switch {
	case a.Status != http.StatusOK:
		return "", false
	case a.Body == "" || a.Body == "success":
		return "", true
	case p.settings.AESKey == "":
		return a.Body, true
	}
	return decryptPushReply(p.settings, p.user.AppID, []byte(a.Body))
}
