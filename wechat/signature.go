package wechat

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"

	"wxgate/secret"
)

// maxRawData bounds what VerifyRawData hashes, in bytes; a profile has about 300.
const maxRawData = 64 << 10

// Sign gives the login state's signature of a message: hex HMAC-SHA256 under the
// session key, which is taken as the base64 text that it is, not decoded.
func Sign(key secret.Text, message string) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}

// CheckSession asks WeChat whether it still holds this session key for the user.
// Errors: ErrUnknownApp, ErrRateLimited, ErrMisconfigured, ErrUnavailable.
func (c *Client) CheckSession(ctx context.Context, appid, openid string, key secret.Text) (bool, error) {
	a, err := c.app(appid)
	if err != nil {
		return false, err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	k := sessionCall(apiCheckSession, openid, key)
	err = c.doWithToken(ctx, a, k, nil)
	if errors.Is(err, ErrKeyStale) {
		return false, nil
	}
	return err == nil, err
}

// sessionCall is a call that proves with the session key's signature of the empty
// message that the caller holds the key. All its parameters stand in the query, and it
// has no body: with one, WeChat says that the signature is wrong.
func sessionCall(api, openid string, key secret.Text) call {
	signature := Sign(key, "")
	return call{api: api, bulkhead: bulkheadAPI, user: openid, secrets: []secret.Text{secret.Text(signature)}, query: url.Values{
		"openid":     {openid},
		"signature":  {signature},
		"sig_method": {"hmac_sha256"},
	}}
}

// VerifyRawData checks what wx signed: signature is the hex SHA-1 of rawData, as
// received, and the session key. Errors: as OpenData.
func (c *Client) VerifyRawData(ctx context.Context, appid, openid string, key secret.Text, rawData, signature string) error {
	if _, err := c.app(appid); err != nil {
		return err
	}
	if len(signature) != hex.EncodedLen(sha1.Size) || len(rawData) > maxRawData {
		return ErrBadData
	}
	if !rawDataSigned(key, rawData, signature) {
		return c.staleKeyOrBadData(ctx, appid, openid, key)
	}
	return nil
}

func rawDataSigned(key secret.Text, rawData, signature string) bool {
	sum := sha1.Sum([]byte(rawData + key.Reveal()))
	want := hex.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(signature))) == 1
}
