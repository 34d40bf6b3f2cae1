package wechat

import (
	"context"
	"time"

	"go.uber.org/zap"

	"wxgate/secret"
)

const (
	forceEvery   = 5 * time.Minute // WeChat ignores forced refreshes within 30 s, and refuses more than 20 a day
	maxToken     = 2048            // bytes; WeChat asks for room for 512
	maxTokenLife = 24 * time.Hour  // WeChat's live for two hours
)

type tokenRequest struct {
	GrantType    string `json:"grant_type"`
	AppID        string `json:"appid"`
	Secret       string `json:"secret"`
	ForceRefresh bool   `json:"force_refresh"`
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   number `json:"expires_in"` // seconds
}

func (t tokenAnswer) life() time.Duration {
	return min(time.Duration(min(max(t.ExpiresIn, 0), 1<<30))*time.Second, maxTokenLife)
}

// fetchToken asks WeChat for the token that is in force, or for a new one.
func (c *Client) fetchToken(ctx context.Context, a *app, force bool) (token, error) {
	k := call{api: apiStableToken, bulkhead: bulkheadToken, secrets: []secret.Text{a.Secret}, body: tokenRequest{
		GrantType:    "client_credential",
		AppID:        a.ID,
		Secret:       a.Secret.Reveal(),
		ForceRefresh: force,
	}}
	asked := c.now()
	var got tokenAnswer
	err := c.do(ctx, a, k, &got)
	if err == nil && (!validText(got.AccessToken, maxToken) || got.life() <= 0) {
		err = malformedAnswer(k)
	}
	if err != nil {
		c.metrics.refreshed(a.ID, refreshFailed)
		return token{}, err
	}
	t := token{secret.Text(got.AccessToken), asked.Add(got.life())}
	c.metrics.refreshed(a.ID, refreshOutcome(a, t, force))
	return t, nil
}

func refreshOutcome(a *app, t token, force bool) string {
	held, _ := a.token.get()
	switch {
	case force:
		return refreshForced
	case held.value == t.value:
		return refreshSame
	}
	return refreshNew
}

// forceToken is the last resort: an API called the token dead, yet WeChat gives
// it out again as the one in force. A forced refresh ends it for everybody else,
// and there are twenty a day, so it happens at most once in forceEvery over all
// instances: the lock is not given back but left to run out.
func (c *Client) forceToken(ctx context.Context, a *app, dead secret.Text) (token, error) {
	_, ok, err := c.tokens.Lock(ctx, a.ID+":force", forceEvery)
	if err != nil || !ok {
		return token{}, unavailable(apiStableToken, "WeChat gives out a token that it calls dead, and one was forced a moment ago", forceEvery)
	}
	c.log.Warn("forcing a new access token: WeChat gives out one that it calls dead", zap.String("appid", a.ID))
	t, err := c.fetchToken(ctx, a, true)
	if err == nil && t.value == dead {
		return token{}, unavailable(apiStableToken, "WeChat keeps giving out a token that it calls dead", forceEvery)
	}
	return t, err
}
