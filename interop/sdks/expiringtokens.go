package main

import (
	"context"
	"fmt"
	"time"

	"wxgate/interop/rig"
)

// tokenKeepers are the SDKs, with each setting that changes how they keep an access token.
func tokenKeepers() []sdk {
	stable := []string{"STABLE=1"}
	return append([]sdk{
		{name: "silenceper/wechat, cache.NewMemory"},
		{name: "silenceper/wechat, cache.NewRedis", redis: true},
		{name: "silenceper/wechat, UseStableAK, cache.NewMemory", env: stable},
		{name: "silenceper/wechat, UseStableAK, cache.NewRedis", env: stable, redis: true},
	}, sdks[1:]...)
}

// expiringTokens prints the table of SDKs that call WeChat directly with an access token
// from the gateway: when the token becomes invalid early, and when it expires soon.
func (b *testbed) expiringTokens(ctx context.Context) error {
	table := rig.NewTable("SDK", "calls", "invalid token", "25 minutes left", "5 minutes left")
	for _, s := range tokenKeepers() {
		row, err := b.tokenRow(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		table.Add(row...)
	}
	return b.show(table, "directly at WeChat, with a token of the scope token", "docs/relay.md")
}

func (b *testbed) tokenRow(ctx context.Context, s sdk) ([]string, error) {
	running, err := b.startWithToken(ctx, s)
	if err != nil {
		return nil, err
	}
	calls, err := b.checkCalls(ctx, running)
	if err != nil {
		return nil, err
	}
	// The gateway checks at most every three seconds whether WeChat still accepts the token.
	if err := rig.Pause(ctx, 3100*time.Millisecond); err != nil {
		return nil, err
	}
	invalid, err := b.checkInvalidToken(ctx, running)
	if err != nil {
		return nil, err
	}
	row := []string{s.name, calls, invalid}
	for _, seconds := range []int{1500, 300} {
		cell, err := b.expiringToken(ctx, s, seconds)
		if err != nil {
			return nil, err
		}
		row = append(row, cell)
	}
	return row, nil
}

// expiringToken starts an SDK whose gateway has an access token that expires after so many
// seconds, and makes three calls.
func (b *testbed) expiringToken(ctx context.Context, s sdk, seconds int) (string, error) {
	var current map[string]any
	err := post(ctx, b.sim+"/cgi-bin/stable_token", map[string]any{"grant_type": "client_credential", "appid": rig.AppID, "secret": rig.AppSecret}, &current)
	if err != nil {
		return "", err
	}
	body := fmt.Sprintf(`{"access_token":%q,"expires_in":%d}`, current["access_token"], seconds)
	if _, err := b.control(ctx, "fault", map[string]any{"api": "/cgi-bin/stable_token", "body": body}); err != nil {
		return "", err
	}
	running, err := b.startWithToken(ctx, s)
	if err != nil {
		return "", err
	}
	cell, err := b.threeCalls(ctx, running)
	if err != nil {
		return "", err
	}
	return cell, b.clearFaults(ctx)
}

// threeCalls makes three calls and describes how often the SDK requested an access token.
func (b *testbed) threeCalls(ctx context.Context, s *instance) (string, error) {
	openid, err := b.openid(ctx)
	if err != nil {
		return "", err
	}
	var last result
	for range 3 {
		if last, err = s.call(ctx, "subscribe", map[string]string{"openid": openid}); err != nil {
			return "", err
		}
	}
	_, tokens := s.resetCounts()
	switch {
	case last.Error != "":
		return describe(last), nil
	case tokens == 1:
		return "ok, keeps it", nil
	}
	return fmt.Sprintf("ok, %d token requests for 3 calls", tokens), nil
}
