package wechat

import (
	"context"
	"errors"
	"net/url"

	"wxgate/secret"
)

// ResetSessionKey has WeChat replace a user's session key, for example one that leaked,
// and returns the new one. The old key is no longer valid, and the new one expires when
// the old one would have. WeChat limits the resets of a user. Errors: as CheckSession,
// and ErrKeyStale if key is not the user's current one.
func (c *Client) ResetSessionKey(ctx context.Context, appid, openid string, key secret.Text) (secret.Text, error) {
	a, err := c.app(appid)
	if err != nil {
		return "", err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	call := sessionCall(apiResetKey, openid, key)
	call.singleUse = true // a retry would be signed with the replaced key
	var got struct {
		OpenID     string `json:"openid"`
		SessionKey string `json:"session_key"`
	}
	if err := c.doWithToken(ctx, a, call, &got); err != nil {
		return "", err
	}
	if got.OpenID != openid || !validText(got.SessionKey, maxSessionKey) {
		return "", malformedResponse(call)
	}
	return secret.Text(got.SessionKey), nil
}

// CheckSession asks WeChat whether key is the user's current session key. Errors:
// ErrUnknownApp, ErrRateLimited, ErrMisconfigured, ErrUnavailable.
func (c *Client) CheckSession(ctx context.Context, appid, openid string, key secret.Text) (bool, error) {
	a, err := c.app(appid)
	if err != nil {
		return false, err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	call := sessionCall(apiCheckSession, openid, key)
	err = c.doWithToken(ctx, a, call, nil)
	if errors.Is(err, ErrKeyStale) {
		return false, nil
	}
	return err == nil, err
}

// sessionCall returns a call that is signed with the session key: the signature of the empty
// message. All its parameters are in the query, and it has no body: WeChat refuses the
// signature of a call with a body.
func sessionCall(api, openid string, key secret.Text) apiCall {
	signature := Sign(key, "")
	return apiCall{api: api, bulkhead: bulkheadAPI, user: openid, secrets: []secret.Text{secret.Text(signature)}, query: url.Values{
		"openid":     {openid},
		"signature":  {signature},
		"sig_method": {"hmac_sha256"},
	}}
}
