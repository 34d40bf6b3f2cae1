package wechat

import (
	"context"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"wxgate/secret"
)

// maxRawData limits the data that VerifyRawData hashes, in bytes; a profile has about 300.
const maxRawData = 64 << 10

// VerifyRawData verifies the signature that wx.getUserInfo returned with rawData: the
// hex SHA-1 of rawData, as received, and the session key. Errors: as OpenData.
func (c *Client) VerifyRawData(ctx context.Context, appid, openid string, key secret.Text, rawData, signature string) error {
	if _, err := c.app(appid); err != nil {
		return err
	}
	if len(signature) != hex.EncodedLen(sha1.Size) || len(rawData) > maxRawData {
		return ErrBadData
	}
	if !validRawDataSignature(key, rawData, signature) {
		return c.staleKeyOrBadData(ctx, appid, openid, key)
	}
	return nil
}

func validRawDataSignature(key secret.Text, rawData, signature string) bool {
	sum := sha1.Sum([]byte(rawData + key.Reveal()))
	want := hex.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(signature))) == 1
}
