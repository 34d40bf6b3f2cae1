package wechattest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PushSettings are what an operator enters in WeChat's console for message push.
type PushSettings struct {
	URL    string // where messages are sent
	Token  string
	AESKey string // EncodingAESKey; empty: plain mode
	XML    bool   // format of the messages; else JSON
}

// SetPush replaces the settings of an app's message push, as its operator does in
// WeChat's console.
func (s *Server) SetPush(appid string, to PushSettings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(appid)
	if err != nil {
		return err
	}
	a.Push = to
	return nil
}

// pushOf gives the settings of an app's message push.
func (s *Server) pushOf(a *app) PushSettings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.Push
}

// How WeChat pushes: an address has five seconds to answer, and a message that was
// not accepted is sent three times more, five seconds apart.
const (
	pushTimeout  = 5 * time.Second
	pushInterval = 5 * time.Second
	pushRepeats  = 3
	maxPushReply = 1 << 20
)

// PushAttempt is one time that a message was sent.
type PushAttempt struct {
	Status int    `json:"status"` // 0: no answer
	Body   string `json:"body"`
	Error  string `json:"error,omitempty"`
}

// PushResult is what came of a message.
type PushResult struct {
	Attempts []PushAttempt `json:"attempts"`
	Accepted bool          `json:"accepted"`        // "success", nothing, or a reply that WeChat can read
	Reply    string        `json:"reply,omitempty"` // the passive reply, decrypted
}

// Push sends a message about the user: signed, encrypted in AES mode, and repeated as
// WeChat does, interval apart (0: five seconds), until it is accepted. The fields
// that WeChat gives each message are added where they are missing; age makes the
// message and its signature old.
func (u *User) Push(ctx context.Context, to PushSettings, message map[string]json.RawMessage, age, interval time.Duration) (PushResult, error) {
	p := pusher{u, to, u.server.now().Add(-age)}
	body := p.message(message)
	if interval == 0 {
		interval = pushInterval
	}
	var result PushResult
	for attempt := 0; attempt <= pushRepeats && !result.Accepted; attempt++ {
		if attempt > 0 && !sleepFor(ctx, interval) {
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

// CheckPushURL asks an address as WeChat's console does before it takes it.
func (u *User) CheckPushURL(ctx context.Context, to PushSettings) (PushAttempt, bool, error) {
	p := pusher{u, to, u.server.now()}
	echo := strconv.FormatInt(newMsgID(), 10)
	q := p.query("")
	q.Set("echostr", echo)
	a, err := p.do(ctx, http.MethodGet, q, nil)
	return a, err == nil && a.Status == http.StatusOK && a.Body == echo, err
}

// pusher sends messages of one user to one address.
type pusher struct {
	user *User
	to   PushSettings
	at   time.Time
}

// message is the plain message in the format of the settings.
func (p pusher) message(fields map[string]json.RawMessage) []byte {
	all := map[string]json.RawMessage{
		"ToUserName":   mustJSON("gh_" + p.user.AppID[max(len(p.user.AppID)-12, 0):]),
		"FromUserName": mustJSON(p.user.OpenID),
		"CreateTime":   mustJSON(p.at.Unix()),
		"MsgType":      mustJSON("text"),
	}
	maps.Copy(all, fields)
	if _, given := all["MsgId"]; !given && string(all["MsgType"]) != `"event"` {
		all["MsgId"] = mustJSON(newMsgID())
	}
	if p.to.XML {
		return pushXML(all)
	}
	return mustJSON(all)
}

// pushXML writes texts as CDATA, numbers as they are, and structures nested.
func pushXML(fields map[string]json.RawMessage) []byte {
	var b strings.Builder
	b.WriteString("<xml>")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		writeXML(&b, name, fields[name])
	}
	b.WriteString("</xml>")
	return []byte(b.String())
}

func writeXML(b *strings.Builder, name string, value json.RawMessage) {
	var text string
	var below map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case json.Unmarshal(value, &text) == nil:
		fmt.Fprintf(b, "<%s><![CDATA[%s]]></%s>", name, strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>"), name)
	case json.Unmarshal(value, &below) == nil:
		fmt.Fprintf(b, "<%s>", name)
		for _, n := range slices.Sorted(maps.Keys(below)) {
			writeXML(b, n, below[n])
		}
		fmt.Fprintf(b, "</%s>", name)
	case json.Unmarshal(value, &list) == nil:
		for _, v := range list {
			writeXML(b, name, v)
		}
	default:
		fmt.Fprintf(b, "<%s>%s</%s>", name, value, name)
	}
}

// send makes one attempt, with a signature and, in AES mode, an encryption of its own.
func (p pusher) send(ctx context.Context, message []byte) (PushAttempt, error) {
	if p.to.AESKey == "" {
		return p.do(ctx, http.MethodPost, p.query(""), message)
	}
	encrypted, err := encryptPush(p.to.AESKey, p.user.AppID, message)
	if err != nil {
		return PushAttempt{}, err
	}
	body := mustJSON(map[string]string{"ToUserName": "gh_1", "Encrypt": encrypted})
	if p.to.XML {
		body = []byte("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>")
	}
	return p.do(ctx, http.MethodPost, p.query(encrypted), body)
}

func (p pusher) query(encrypted string) url.Values {
	timestamp, nonce := strconv.FormatInt(p.at.Unix(), 10), strconv.FormatInt(newMsgID()%10_000_000_000, 10)
	q := url.Values{"timestamp": {timestamp}, "nonce": {nonce}, "signature": {pushSignature(p.to.Token, timestamp, nonce)}}
	if encrypted != "" {
		q.Set("openid", p.user.OpenID)
		q.Set("encrypt_type", "aes")
		q.Set("msg_signature", pushSignature(p.to.Token, timestamp, nonce, encrypted))
	}
	return q
}

func (p pusher) do(ctx context.Context, method string, q url.Values, body []byte) (PushAttempt, error) {
	target, err := url.Parse(p.to.URL)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return PushAttempt{}, errors.New("a push needs the URL of an http server")
	}
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += q.Encode()
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return PushAttempt{}, err
	}
	req.Header.Set("User-Agent", "Mozilla/4.0")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", p.contentType())
	}
	res, err := pushClient.Do(req)
	if err != nil {
		return PushAttempt{Error: err.Error()}, nil
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, maxPushReply))
	if err != nil {
		return PushAttempt{Error: err.Error()}, nil
	}
	return PushAttempt{Status: res.StatusCode, Body: string(got)}, nil
}

func (p pusher) contentType() string {
	if p.to.XML {
		return "text/xml"
	}
	return "application/json"
}

// pushClient follows no redirect: WeChat doesn't.
var pushClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// accepted says whether an answer ends the repeats, and gives the reply in it.
func (p pusher) accepted(a PushAttempt) (reply string, ok bool) {
	switch {
	case a.Status != http.StatusOK:
		return "", false
	case a.Body == "" || a.Body == "success":
		return "", true
	case p.to.AESKey == "":
		return a.Body, true
	}
	return decryptPushReply(p.to, p.user.AppID, []byte(a.Body))
}

func sleepFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
