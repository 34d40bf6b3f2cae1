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

// check is a column of a table: what an SDK does in one situation, in a few words.
type check struct {
	title string
	run   func(*testbed, context.Context, *instance) (string, error)
}

// directTable has each SDK at the simulator.
func (b *testbed) directTable(ctx context.Context) error {
	return b.sdkTable(ctx, "directly at WeChat (the simulator)", b.startDirect, []check{
		{"calls", (*testbed).checkCalls},
		{"reads", (*testbed).checkResponses},
		{"refused by WeChat", (*testbed).checkRefusal},
		{"invalid token", (*testbed).checkInvalidToken},
		{"WeChat unreachable", (*testbed).checkUnreachable},
	})
}

// relayTable has each SDK at the gateway's relay.
func (b *testbed) relayTable(ctx context.Context) error {
	return b.sdkTable(ctx, "by the relay, with the scope wechat alone", b.startAtRelay, []check{
		{"calls", (*testbed).checkCalls},
		{"refused by WeChat", (*testbed).checkRefusal},
		{"invalid token", (*testbed).checkInvalidToken},
		{"path not listed", (*testbed).checkUnlistedPath},
		{"WeChat unreachable", (*testbed).checkUnreachable},
	})
}

// sdkTable prints a table with a row for each SDK and a column for each check.
func (b *testbed) sdkTable(ctx context.Context, title string, start func(context.Context, sdk) (*instance, error), checks []check) error {
	columns := []string{"SDK", "version"}
	for _, c := range checks {
		columns = append(columns, c.title)
	}
	table := rig.NewTable(columns...)
	for _, s := range sdks {
		row, err := b.sdkRow(ctx, s, start, checks)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		table.Add(row...)
	}
	return b.show(table, title, "docs/relay.md")
}

func (b *testbed) sdkRow(ctx context.Context, s sdk, start func(context.Context, sdk) (*instance, error), checks []check) ([]string, error) {
	version, err := b.version(ctx, s)
	if err != nil {
		return nil, err
	}
	running, err := start(ctx, s)
	if err != nil {
		return nil, err
	}
	row := []string{s.name, version}
	for _, c := range checks {
		cell, err := c.run(b, ctx, running)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.title, err)
		}
		row = append(row, cell)
	}
	return row, nil
}

// checkCalls makes the calls that must succeed, and names those that don't.
func (b *testbed) checkCalls(ctx context.Context, s *instance) (string, error) {
	code, err := b.control(ctx, "phone-code", map[string]string{"user": "alice"})
	if err != nil {
		return "", err
	}
	openid, err := b.openid(ctx)
	if err != nil {
		return "", err
	}
	var failed []string
	for _, c := range []struct {
		name      string
		arguments map[string]string
		right     func(string) bool
	}{
		{"token", nil, func(v string) bool { return len(v) > 40 }},
		{"phone", map[string]string{"code": fmt.Sprint(code["code"])}, func(v string) bool { return v == code["phone"] }},
		{"picture", nil, isPicture},
		{"check", map[string]string{"openid": openid, "text": "hello"}, func(v string) bool { return v == "pass" }},
		{"check", map[string]string{"openid": openid, "text": "risky"}, func(v string) bool { return v == "risky" }},
		{"subscribe", map[string]string{"openid": openid}, func(v string) bool { return v == "sent" }},
	} {
		res, err := s.call(ctx, c.name, c.arguments)
		if err != nil {
			return "", err
		}
		if res.Error != "" || !c.right(res.Value) {
			failed = append(failed, c.name+": "+describe(res))
		}
	}
	s.resetCounts()
	if len(failed) > 0 {
		return b.fail(strings.Join(failed, "; ")), nil
	}
	return "all five", nil
}

// isPicture reports whether the value is a whole JPEG in base64.
func isPicture(value string) bool {
	data, err := base64.StdEncoding.DecodeString(value)
	return err == nil && http.DetectContentType(data) == "image/jpeg" && data[len(data)-1] == 0xd9
}

func (b *testbed) openid(ctx context.Context) (string, error) {
	user, err := b.control(ctx, "code", map[string]string{"user": "alice"})
	return fmt.Sprint(user["openid"]), err
}

// checkRefusal makes a call that WeChat refuses with errcode 40003.
func (b *testbed) checkRefusal(ctx context.Context, s *instance) (string, error) {
	return s.subscribe(ctx, "nobody")
}

// checkInvalidToken invalidates the access token, as WeChat may at any time, and makes two
// calls.
func (b *testbed) checkInvalidToken(ctx context.Context, s *instance) (string, error) {
	if _, err := b.control(ctx, "kill-token", map[string]any{"appid": rig.AppID}); err != nil {
		return "", err
	}
	openid, err := b.openid(ctx)
	if err != nil {
		return "", err
	}
	first, err := s.subscribe(ctx, openid)
	if err != nil {
		return "", err
	}
	second, err := s.subscribe(ctx, openid)
	if err != nil || first == second {
		return first, err
	}
	return first + ", then " + second, nil
}

// checkUnlistedPath calls a path that is not in the app's relay list.
func (b *testbed) checkUnlistedPath(ctx context.Context, s *instance) (string, error) {
	res, err := s.call(ctx, "unlisted", nil)
	return describe(res) + s.describeCounts(), err
}

// checkUnreachable makes a call while WeChat closes each connection without a response.
func (b *testbed) checkUnreachable(ctx context.Context, s *instance) (string, error) {
	if _, err := b.control(ctx, "fault", map[string]any{"drop": true}); err != nil {
		return "", err
	}
	openid, err := b.openid(ctx) // the simulator's own interface has no faults
	if err != nil {
		return "", err
	}
	text, err := s.subscribe(ctx, openid)
	if err != nil {
		return "", err
	}
	return text, b.clearFaults(ctx)
}

// subscribe sends a subscribe message and describes the result.
func (s *instance) subscribe(ctx context.Context, openid string) (string, error) {
	res, err := s.call(ctx, "subscribe", map[string]string{"openid": openid})
	return describe(res) + s.describeCounts(), err
}

// describeCounts mentions more than one call, and requests for access tokens, since the
// last reset. It resets the counts.
func (s *instance) describeCounts() string {
	calls, tokens := s.resetCounts()
	text := ""
	if calls != 1 {
		text = fmt.Sprintf(", %d calls", calls)
	}
	switch {
	case tokens == 1:
		text += ", requests a token"
	case tokens > 1:
		text += fmt.Sprintf(", requests %d tokens", tokens)
	}
	return text
}

// varying matches the parts of an error's text that differ from run to run.
var varying = regexp.MustCompile(`https?://[^\s,]+|, rid: \S+|127\.0\.0\.1:\d+`)

// describe returns what the caller of an SDK gets: ok, the errcode, or the error's text.
func describe(res result) string {
	switch {
	case res.Error == "":
		return "ok"
	case res.Errcode != 0:
		return fmt.Sprintf("errcode %d", res.Errcode)
	}
	first, _, _ := strings.Cut(res.Error, "\n")
	return "`" + varying.ReplaceAllString(first, "…") + "`"
}
