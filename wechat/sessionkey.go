package wechat

import (
	"context"

	"wxgate/secret"
)

// ResetSessionKey has WeChat replace a user's session key, for one that leaked, and
// gives the new one. The old one is no longer valid; the end of its life is the new
// one's too. Don't reset one user often: WeChat limits it. Errors: as CheckSession,
// and ErrKeyStale where the key given is no longer the user's.
func (c *Client) ResetSessionKey(ctx context.Context, appid, openid string, key secret.Text) (secret.Text, error) {
	a, err := c.app(appid)
	if err != nil {
		return "", err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	k := sessionCall(apiResetKey, openid, key)
	k.singleUse = true // a repeat would be signed with a key that is gone
	var got struct {
		OpenID     string `json:"openid"`
		SessionKey string `json:"session_key"`
	}
	if err := c.doWithToken(ctx, a, k, &got); err != nil {
		return "", err
	}
	if got.OpenID != openid || !validText(got.SessionKey, maxSessionKey) {
		return "", malformedAnswer(k)
	}
	return secret.Text(got.SessionKey), nil
}
