package main

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wxgate/interop/rig"
)

// The push settings, as an operator enters them in WeChat's console.
const (
	pushToken = "pushtoken"
	pushKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// pushSDKs are the SDKs that can receive or encrypt pushes.
var pushSDKs = []sdk{
	{name: "silenceper/wechat"},
	{name: "node-easywechat", npm: "node-easywechat"},
	{name: "co-wechat, by wechat-crypto 0.0.2", npm: "co-wechat"},
	{name: "wechat (npm), by wechat-crypto 0.0.2", npm: "wechat"},
	{name: "nest-wechat", npm: "nest-wechat"},
}

// pushTable has SDKs in the role of WeChat, which encrypt messages for the gateway and
// decrypt its replies, and SDKs as backends behind the gateway.
func (b *testbed) pushTable(ctx context.Context) error {
	table := rig.NewTable("SDK", "version", "its messages", "the gateway's replies", "behind the gateway, XML", "JSON")
	for _, s := range pushSDKs {
		row, err := b.pushRow(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		table.Add(row...)
	}
	return b.show(table, "message push", "docs/push.md")
}

func (b *testbed) pushRow(ctx context.Context, s sdk) ([]string, error) {
	version, err := b.version(ctx, s)
	if err != nil {
		return nil, err
	}
	d, err := b.startDriver(ctx, s, b.sim, b.sim, "")
	if err != nil {
		return nil, err
	}
	messages, replies, err := b.exchangeEncrypted(ctx, d)
	if err != nil {
		return nil, err
	}
	row := []string{s.name, version, messages, replies}
	g, err := b.startGateway(ctx, d.url+"/push")
	if err != nil {
		return nil, err
	}
	for _, format := range []string{"xml", "json"} {
		cell, err := b.pushThrough(ctx, g, s, format)
		if err != nil {
			return nil, err
		}
		row = append(row, cell)
	}
	return row, nil
}

// exchangeEncrypted sends messages that the SDK has encrypted to the gateway, and has the
// SDK decrypt the gateway's replies: one message for each length of the padding. It
// describes how many messages the gateway could read, and how many replies the SDK.
func (b *testbed) exchangeEncrypted(ctx context.Context, d driver) (messages, replies string, err error) {
	const reply = "<xml><Content><![CDATA[你好]]></Content></xml>"
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, reply) }))
	defer backend.Close()
	g, err := b.startGateway(ctx, backend.URL)
	if err != nil {
		return "", "", err
	}
	const paddings = 32
	accepted, decrypted := 0, 0
	for n := range paddings {
		encrypted, err := d.call(ctx, "encrypt", map[string]string{"message": pushedMessage(n)})
		if err != nil {
			return "", "", err
		}
		got, err := pushEncrypted(ctx, g, encrypted.Value)
		if err != nil {
			return "", "", err
		}
		if got.Encrypt == "" {
			continue
		}
		accepted++
		plain, err := d.call(ctx, "decrypt", map[string]string{
			"cipher": got.Encrypt, "signature": got.MsgSignature, "timestamp": got.TimeStamp, "nonce": got.Nonce,
		})
		if err != nil {
			return "", "", err
		}
		if plain.Value == reply {
			decrypted++
		}
	}
	return fmt.Sprintf("%d of %d read", accepted, paddings), fmt.Sprintf("%d of %d read", decrypted, accepted), nil
}

// pushedMessage is a text message with n characters.
func pushedMessage(n int) string {
	return fmt.Sprintf("<xml><ToUserName>gh_1</ToUserName><FromUserName>oFrom</FromUserName><CreateTime>%d</CreateTime><MsgType>text</MsgType><Content>%s</Content><MsgId>%d</MsgId></xml>",
		time.Now().Unix(), strings.Repeat("x", n), 1_000_000_000_000_000+n)
}

// encryptedReply is the envelope of a passive reply.
type encryptedReply struct {
	Encrypt, MsgSignature, TimeStamp, Nonce string
}

// pushEncrypted sends a message as WeChat does. The reply is empty when the gateway refuses
// the message.
func pushEncrypted(ctx context.Context, g *rig.Gateway, encrypted string) (encryptedReply, error) {
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), "1234567890"
	query := url.Values{
		"timestamp": {timestamp}, "nonce": {nonce}, "encrypt_type": {"aes"},
		"signature": {pushSignature(timestamp, nonce)}, "msg_signature": {pushSignature(timestamp, nonce, encrypted)},
	}
	body := "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL("/auth/push/"+rig.AppID+"?"+query.Encode()), strings.NewReader(body))
	if err != nil {
		return encryptedReply{}, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return encryptedReply{}, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusForbidden {
		return encryptedReply{}, nil
	}
	var reply encryptedReply
	return reply, xml.NewDecoder(res.Body).Decode(&reply)
}

// pushSignature is the SHA-1 over the sorted parts and the push token.
func pushSignature(parts ...string) string {
	parts = append(parts, pushToken)
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// pushThrough has the simulator push a message to the gateway and describes the reply of
// the SDK behind it.
func (b *testbed) pushThrough(ctx context.Context, g *rig.Gateway, s sdk, format string) (string, error) {
	if s.npm == "nest-wechat" {
		return "no receiver", nil
	}
	var outcome struct {
		Attempts []struct{ Status int }
		Accepted bool
		Reply    string
	}
	err := post(ctx, b.sim+"/sim/push", map[string]any{
		"user": "alice", "url": g.URL("/auth/push/" + rig.AppID), "token": pushToken, "aes_key": pushKey, "format": format,
		"interval": "20ms", "message": map[string]string{"MsgType": "text", "Content": "ping"},
	}, &outcome)
	switch {
	case err != nil:
		return "", err
	case outcome.Accepted && strings.Contains(outcome.Reply, "pong ping"):
		return "replies in " + formatOf(outcome.Reply), nil
	case outcome.Accepted:
		return fmt.Sprintf("success, reply %q", outcome.Reply), nil
	}
	return fmt.Sprintf("fails: %d, %d times", outcome.Attempts[0].Status, len(outcome.Attempts)), nil
}

func formatOf(message string) string {
	if strings.HasPrefix(message, "<") {
		return "XML"
	}
	return "JSON"
}
