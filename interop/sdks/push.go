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

// What is entered in WeChat's console for the push.
const (
	pushToken = "pushtoken"
	pushKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// pushSDKs are those that receive or encrypt pushes.
var pushSDKs = []sdk{
	{name: "silenceper/wechat"},
	{name: "node-easywechat", npm: "node-easywechat"},
	{name: "co-wechat, by wechat-crypto 0.0.2", npm: "co-wechat"},
	{name: "wechat (npm), by wechat-crypto 0.0.2", npm: "wechat"},
	{name: "nest-wechat", npm: "nest-wechat"},
}

// pushTable is of SDKs as WeChat, whose messages the gateway must read and whose replies
// they must, and as backends behind the gateway.
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
	d, err := b.start(ctx, s, b.sim, b.sim, "")
	if err != nil {
		return nil, err
	}
	sent, read, err := b.encryption(ctx, d)
	if err != nil {
		return nil, err
	}
	row := []string{s.name, version, sent, read}
	g, err := b.gateway(ctx, d.url+"/push")
	if err != nil {
		return nil, err
	}
	for _, format := range []string{"xml", "json"} {
		cell, err := b.pushTo(ctx, g, s, format)
		if err != nil {
			return nil, err
		}
		row = append(row, cell)
	}
	return row, nil
}

// encryption has the gateway read what an SDK has encrypted, and the SDK what the gateway
// has: as many messages as there are paddings.
func (b *testbed) encryption(ctx context.Context, d driver) (sent, read string, err error) {
	const reply = "<xml><Content><![CDATA[你好]]></Content></xml>"
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, reply) }))
	defer backend.Close()
	g, err := b.gateway(ctx, backend.URL)
	if err != nil {
		return "", "", err
	}
	const paddings = 32
	taken, understood := 0, 0
	for n := range paddings {
		encrypted, err := d.call(ctx, "encrypt", map[string]string{"message": pushedText(n)})
		if err != nil {
			return "", "", err
		}
		answer, err := pushEncrypted(ctx, g, encrypted.Value)
		if err != nil {
			return "", "", err
		}
		if answer.Encrypt == "" {
			continue
		}
		taken++
		plain, err := d.call(ctx, "decrypt", map[string]string{
			"cipher": answer.Encrypt, "signature": answer.MsgSignature, "timestamp": answer.TimeStamp, "nonce": answer.Nonce,
		})
		if err != nil {
			return "", "", err
		}
		if plain.Value == reply {
			understood++
		}
	}
	return fmt.Sprintf("%d of %d read", taken, paddings), fmt.Sprintf("%d of %d read", understood, taken), nil
}

// pushedText is a message with so many characters.
func pushedText(n int) string {
	return fmt.Sprintf("<xml><ToUserName>gh_1</ToUserName><FromUserName>oFrom</FromUserName><CreateTime>%d</CreateTime><MsgType>text</MsgType><Content>%s</Content><MsgId>%d</MsgId></xml>",
		time.Now().Unix(), strings.Repeat("x", n), 1_000_000_000_000_000+n)
}

// pushAnswer is the envelope of a reply.
type pushAnswer struct {
	Encrypt, MsgSignature, TimeStamp, Nonce string
}

// pushEncrypted sends a message as WeChat would. The answer is empty where the gateway
// refuses it.
func pushEncrypted(ctx context.Context, g *rig.Gateway, encrypted string) (pushAnswer, error) {
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), "1234567890"
	query := url.Values{
		"timestamp": {timestamp}, "nonce": {nonce}, "encrypt_type": {"aes"},
		"signature": {pushSignature(timestamp, nonce)}, "msg_signature": {pushSignature(timestamp, nonce, encrypted)},
	}
	body := "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL("/auth/push/"+rig.AppID+"?"+query.Encode()), strings.NewReader(body))
	if err != nil {
		return pushAnswer{}, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return pushAnswer{}, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusForbidden {
		return pushAnswer{}, nil
	}
	var answer pushAnswer
	return answer, xml.NewDecoder(res.Body).Decode(&answer)
}

func pushSignature(parts ...string) string {
	parts = append(parts, pushToken)
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// pushTo has the simulator push to the gateway, and the SDK behind it answer.
func (b *testbed) pushTo(ctx context.Context, g *rig.Gateway, s sdk, format string) (string, error) {
	if s.npm == "nest-wechat" {
		return "no receiver", nil
	}
	var came struct {
		Attempts []struct{ Status int }
		Accepted bool
		Reply    string
	}
	err := post(ctx, b.sim+"/sim/push", map[string]any{
		"user": "alice", "url": g.URL("/auth/push/" + rig.AppID), "token": pushToken, "aes_key": pushKey, "format": format,
		"interval": "20ms", "message": map[string]string{"MsgType": "text", "Content": "ping"},
	}, &came)
	switch {
	case err != nil:
		return "", err
	case came.Accepted && strings.Contains(came.Reply, "pong ping"):
		return "replies in " + formatOf(came.Reply), nil
	case came.Accepted:
		return fmt.Sprintf("success, reply %q", came.Reply), nil
	}
	return fmt.Sprintf("fails: %d, %d times", came.Attempts[0].Status, len(came.Attempts)), nil
}

func formatOf(message string) string {
	if strings.HasPrefix(message, "<") {
		return "XML"
	}
	return "JSON"
}
