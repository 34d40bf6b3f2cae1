package main

import (
	"context"
	"fmt"
	"time"

	"wxgate/interop/rig"
)

// ownCalls are the SDKs that call WeChat by themselves with an access token of the
// gateway's. What they do depends on where and how they keep it.
func ownCalls() []sdk {
	stable := []string{"STABLE=1"}
	return append([]sdk{
		{name: "silenceper/wechat, cache.NewMemory"},
		{name: "silenceper/wechat, cache.NewRedis", redis: true},
		{name: "silenceper/wechat, UseStableAK, cache.NewMemory", env: stable},
		{name: "silenceper/wechat, UseStableAK, cache.NewRedis", env: stable, redis: true},
	}, sdks[1:]...)
}

// shortTokens fills the table of SDKs with the raw access token: when it dies before its
// time, and when little of its life is left.
func (b *testbed) shortTokens(ctx context.Context) error {
	table := rig.NewTable("SDK", "calls", "dead token", "25 minutes left", "5 minutes left")
	for _, s := range ownCalls() {
		w, err := b.byToken(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		good, err := b.goodCalls(ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		row := []string{s.name, good}
		// The gateway asks WeChat at most every three seconds whether the token is in force.
		if err := rig.Pause(ctx, 3100*time.Millisecond); err != nil {
			return err
		}
		dead, err := b.deadToken(ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		row = append(row, dead)
		for _, seconds := range []int{1500, 300} {
			cell, err := b.shortToken(ctx, s, seconds)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			row = append(row, cell)
		}
		table.Add(row...)
	}
	return b.show(table, "at WeChat by itself, with a token of the scope token", "docs/relay.md")
}

// shortToken has the gateway know an access token that has so much of its life left, and
// the SDK call three times.
func (b *testbed) shortToken(ctx context.Context, s sdk, seconds int) (string, error) {
	var current map[string]any
	err := post(ctx, b.sim+"/cgi-bin/stable_token", map[string]any{"grant_type": "client_credential", "appid": rig.AppID, "secret": rig.AppSecret}, &current)
	if err != nil {
		return "", err
	}
	body := fmt.Sprintf(`{"access_token":%q,"expires_in":%d}`, current["access_token"], seconds)
	if _, err := b.control(ctx, "fault", map[string]any{"api": "/cgi-bin/stable_token", "body": body}); err != nil {
		return "", err
	}
	w, err := b.byToken(ctx, s)
	if err != nil {
		return "", err
	}
	cell, err := b.threeCalls(ctx, w)
	if err != nil {
		return "", err
	}
	return cell, b.clearFaults(ctx)
}

func (b *testbed) threeCalls(ctx context.Context, w way) (string, error) {
	openid, err := b.openid(ctx)
	if err != nil {
		return "", err
	}
	var last result
	for range 3 {
		if last, err = w.call(ctx, "subscribe", map[string]string{"openid": openid}); err != nil {
			return "", err
		}
	}
	_, tokens := w.take()
	switch {
	case last.Error != "":
		return said(last), nil
	case tokens == 1:
		return "ok, keeps it", nil
	}
	return fmt.Sprintf("ok, asks %d times for 3 calls", tokens), nil
}
