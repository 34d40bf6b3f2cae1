package wechat

import (
	"context"
	"time"

	"go.uber.org/zap"

	"wxgate/secret"
)

const (
	forceInterval    = 5 * time.Minute // WeChat ignores a forced refresh within 30 s of the last, and refuses more than 20 a day
	maxToken         = 2048            // bytes; WeChat's documentation says to store at least 512
	maxTokenLifetime = 24 * time.Hour  // WeChat's tokens are valid for two hours
)

type tokenRequest struct {
	GrantType    string `json:"grant_type"`
	AppID        string `json:"appid"`
	Secret       string `json:"secret"`
	ForceRefresh bool   `json:"force_refresh"`
}

type tokenResponse struct {
	AccessToken string      `json:"access_token"`
	ExpiresIn   intOrString `json:"expires_in"` // seconds
}

func (t tokenResponse) lifetime() time.Duration {
	return min(time.Duration(min(max(t.ExpiresIn, 0), 1<<30))*time.Second, maxTokenLifetime)
}

// fetchToken fetches the current token from WeChat, or a new one if force is set.
func (c *Client) fetchToken(ctx context.Context, a *app, force bool) (token, error) {
	call := apiCall{api: apiStableToken, bulkhead: bulkheadToken, secrets: []secret.Text{a.Secret}, body: tokenRequest{
		GrantType:    "client_credential",
		AppID:        a.ID,
		Secret:       a.Secret.Reveal(),
		ForceRefresh: force,
	}}
	requestedAt := c.now()
	var got tokenResponse
	err := c.do(ctx, a, call, &got)
	if err == nil && (!validText(got.AccessToken, maxToken) || got.lifetime() <= 0) {
		err = malformedResponse(call)
	}
	if err != nil {
		c.metrics.recordRefresh(a.ID, refreshFailed)
		return token{}, err
	}
	t := token{secret.Text(got.AccessToken), requestedAt.Add(got.lifetime())}
	c.metrics.recordRefresh(a.ID, refreshOutcome(a, t, force))
	return t, nil
}

func refreshOutcome(a *app, t token, force bool) string {
	cached, _ := a.token.get()
	switch {
	case force:
		return refreshForced
	case cached.value == t.value:
		return refreshSame
	}
	return refreshNew
}

// forceToken has WeChat issue a new token, because an API rejects the token that
// stable_token still returns. A forced refresh invalidates the token for all other
// users of it, and WeChat allows twenty a day. So all instances together make at most
// one in forceInterval: the lock is never released, it expires.
func (c *Client) forceToken(ctx context.Context, a *app, rejected secret.Text) (token, error) {
	_, ok, err := c.tokens.Lock(ctx, a.ID+":force", forceInterval)
	if err != nil || !ok {
		return token{}, unavailable(apiStableToken, "stable_token returns a token that the API rejects, and a refresh was forced within the last five minutes", forceInterval)
	}
	c.log.Warn("forcing a new access token: stable_token returns one that the API rejects", zap.String("appid", a.ID))
	t, err := c.fetchToken(ctx, a, true)
	if err == nil && t.value == rejected {
		return token{}, unavailable(apiStableToken, "a forced refresh returned the token that the API rejects", forceInterval)
	}
	return t, err
}
