package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"wxgate/interop/rig"
)

// step is what an SDK is put through; its word goes into the table.
type step struct {
	title string
	do    func(*testbed, context.Context, way) (string, error)
}

// straightTable is of each SDK at the simulator.
func (b *testbed) straightTable(ctx context.Context) error {
	return b.table(ctx, "straight at WeChat (the simulator)", b.straight, []step{
		{"calls", (*testbed).goodCalls},
		{"reads", (*testbed).answers},
		{"refused by WeChat", (*testbed).refused},
		{"dead token", (*testbed).deadToken},
		{"WeChat away", (*testbed).away},
	})
}

// relayTable is of each SDK at the gateway's relay.
func (b *testbed) relayTable(ctx context.Context) error {
	return b.table(ctx, "by the relay, with the scope wechat alone", b.relay, []step{
		{"calls", (*testbed).goodCalls},
		{"refused by WeChat", (*testbed).refused},
		{"dead token", (*testbed).deadToken},
		{"path not listed", (*testbed).unlisted},
		{"WeChat away", (*testbed).away},
	})
}

func (b *testbed) table(ctx context.Context, title string, start func(context.Context, sdk) (way, error), steps []step) error {
	columns := []string{"SDK", "version"}
	for _, s := range steps {
		columns = append(columns, s.title)
	}
	table := rig.NewTable(columns...)
	for _, s := range sdks {
		w, err := start(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		row, err := b.row(ctx, s, w, steps)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		table.Add(row...)
	}
	return b.show(table, title, "docs/relay.md")
}

func (b *testbed) row(ctx context.Context, s sdk, w way, steps []step) ([]string, error) {
	version, err := b.version(ctx, s)
	if err != nil {
		return nil, err
	}
	row := []string{s.name, version}
	for _, s := range steps {
		cell, err := s.do(b, ctx, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.title, err)
		}
		row = append(row, cell)
	}
	return row, nil
}

// goodCalls makes the calls that must succeed, and names those that don't.
func (b *testbed) goodCalls(ctx context.Context, w way) (string, error) {
	code, err := b.control(ctx, "phone-code", map[string]string{"user": "alice"})
	if err != nil {
		return "", err
	}
	openid, err := b.openid(ctx)
	if err != nil {
		return "", err
	}
	var bad []string
	for _, c := range []struct {
		name      string
		arguments map[string]string
		good      func(string) bool
	}{
		{"token", nil, func(v string) bool { return len(v) > 40 }},
		{"phone", map[string]string{"code": fmt.Sprint(code["code"])}, func(v string) bool { return v == code["phone"] }},
		{"picture", nil, isPicture},
		{"check", map[string]string{"openid": openid, "text": "hello"}, func(v string) bool { return v == "pass" }},
		{"check", map[string]string{"openid": openid, "text": "risky"}, func(v string) bool { return v == "risky" }},
		{"subscribe", map[string]string{"openid": openid}, func(v string) bool { return v == "sent" }},
	} {
		res, err := w.call(ctx, c.name, c.arguments)
		if err != nil {
			return "", err
		}
		if res.Error != "" || !c.good(res.Value) {
			bad = append(bad, c.name+": "+said(res))
		}
	}
	w.take()
	if len(bad) > 0 {
		return b.r.Check(false) + " " + strings.Join(bad, "; "), nil
	}
	return "all five", nil
}

func isPicture(value string) bool {
	data, err := base64.StdEncoding.DecodeString(value)
	return err == nil && http.DetectContentType(data) == "image/jpeg" && data[len(data)-1] == 0xd9
}

func (b *testbed) openid(ctx context.Context) (string, error) {
	user, err := b.control(ctx, "code", map[string]string{"user": "alice"})
	return fmt.Sprint(user["openid"]), err
}

// refused has WeChat refuse a call: 40003.
func (b *testbed) refused(ctx context.Context, w way) (string, error) {
	res, err := w.call(ctx, "subscribe", map[string]string{"openid": "nobody"})
	return said(res) + counted(w), err
}

// deadToken ends the access token as WeChat may at any time, and calls twice.
func (b *testbed) deadToken(ctx context.Context, w way) (string, error) {
	if _, err := b.control(ctx, "kill-token", map[string]any{"appid": rig.AppID}); err != nil {
		return "", err
	}
	openid, err := b.openid(ctx)
	if err != nil {
		return "", err
	}
	var came []string
	for range 2 {
		res, err := w.call(ctx, "subscribe", map[string]string{"openid": openid})
		if err != nil {
			return "", err
		}
		came = append(came, said(res)+counted(w))
	}
	if came[0] == came[1] {
		return came[0], nil
	}
	return strings.Join(came, ", then "), nil
}

// unlisted calls a path that is not in the app's relay list.
func (b *testbed) unlisted(ctx context.Context, w way) (string, error) {
	res, err := w.call(ctx, "unlisted", nil)
	return said(res) + counted(w), err
}

// away has WeChat break off each connection.
func (b *testbed) away(ctx context.Context, w way) (string, error) {
	if _, err := b.control(ctx, "fault", map[string]any{"drop": true}); err != nil {
		return "", err
	}
	openid, err := b.openid(ctx) // the simulator's own interface has no faults
	if err != nil {
		return "", err
	}
	res, err := w.call(ctx, "subscribe", map[string]string{"openid": openid})
	if err != nil {
		return "", err
	}
	return said(res) + counted(w), b.clearFaults(ctx)
}

// counted tells of more than one call, and of access tokens that were asked for.
func counted(w way) string {
	calls, tokens := w.take()
	text := ""
	if calls != 1 {
		text = fmt.Sprintf(", %d calls", calls)
	}
	switch {
	case tokens == 1:
		text += ", asks for a token"
	case tokens > 1:
		text += fmt.Sprintf(", asks for %d tokens", tokens)
	}
	return text
}

var varying = regexp.MustCompile(`https?://[^\s,]+|, rid: \S+|127\.0\.0\.1:\d+`)

// said is what a caller of the SDK learns.
func said(res result) string {
	switch {
	case res.Error == "":
		return "ok"
	case res.Errcode != 0:
		return fmt.Sprintf("errcode %d", res.Errcode)
	}
	first, _, _ := strings.Cut(res.Error, "\n")
	return "`" + varying.ReplaceAllString(first, "…") + "`"
}
