package wechat

import (
	"context"
	"net/url"

	"wxgate/secret"
)

// Login is the response of WeChat to a login.
type Login struct {
	OpenID     string      // the user within this app; 1 to 128 bytes, no control characters
	UnionID    string      // the user across the apps of one owner; often empty
	SessionKey secret.Text // base64 text, 1 to 256 bytes
}

const (
	maxCode       = 128
	maxID         = 128
	maxSessionKey = 256
)

// ValidCode reports whether a code of wx.login or of the phone button has 1 to 128 of
// the characters A-Z a-z 0-9 - . _ ~. WeChat's codes have 32 or 64 letters and digits.
func ValidCode(code string) bool {
	if code == "" || len(code) > maxCode {
		return false
	}
	for i := range len(code) {
		if !isUnreserved(code[i]) {
			return false
		}
	}
	return true
}

func isUnreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}

type loginResponse struct {
	OpenID     string `json:"openid"`
	UnionID    string `json:"unionid"`
	SessionKey string `json:"session_key"`
}

func (l loginResponse) valid() bool {
	return validText(l.OpenID, maxID) && validText(l.SessionKey, maxSessionKey) && (l.UnionID == "" || validText(l.UnionID, maxID))
}

// Login exchanges the code of wx.login (jscode2session). A code works once and for five
// minutes. It is never sent twice, except after errcode -1: WeChat was busy and didn't
// use the code. Errors: ErrUnknownApp, ErrBadCode, ErrInvalidCode,
// ErrUserBlocked, ErrRateLimited, ErrMisconfigured, ErrUnavailable.
func (c *Client) Login(ctx context.Context, appid, code string) (Login, error) {
	a, err := c.app(appid)
	if err != nil {
		return Login{}, err
	}
	if !ValidCode(code) {
		return Login{}, ErrBadCode
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	call := apiCall{api: apiLogin, bulkhead: bulkheadLogin, singleUse: true, secrets: []secret.Text{a.Secret, secret.Text(code)}, query: url.Values{
		"appid":      {a.ID},
		"secret":     {a.Secret.Reveal()},
		"js_code":    {code},
		"grant_type": {"authorization_code"},
	}}
	var got loginResponse
	if err := c.do(ctx, a, call, &got); err != nil {
		return Login{}, err
	}
	if !got.valid() {
		return Login{}, malformedResponse(call)
	}
	return Login{OpenID: got.OpenID, UnionID: got.UnionID, SessionKey: secret.Text(got.SessionKey)}, nil
}
