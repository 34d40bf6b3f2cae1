package wechat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"wxgate/secret"
)

// DecryptPhone returns the number in the encryptedData and iv of the phone button, which
// wx returned before it returned codes.
//
// The data is AES-CBC without authentication: its sender can change the number in it.
// So WeChat must confirm first that it encrypted the data (checkencryptedmsg);
// unconfirmed data is not decrypted. The confirmation doesn't cover the iv, with which
// the sender can change the first 16 bytes. So the fields must be exactly those that
// WeChat writes, and agree with each other.
//
// Errors: ErrBadData, the same error after the same calls to WeChat for every fault of
// the data; ErrKeyStale, as OpenData; ErrUnavailable, ErrRateLimited and
// ErrMisconfigured if WeChat can't confirm it; ErrUnknownApp.
func (c *Client) DecryptPhone(ctx context.Context, appid, openid string, key secret.Text, encryptedData, iv string) (Phone, error) {
	if _, err := c.app(appid); err != nil {
		return Phone{}, err
	}
	data, err := parseCiphertext(key, encryptedData, iv)
	if err != nil {
		return Phone{}, err
	}
	genuine, err := c.checkEncryptedData(ctx, appid, openid, restorePlus(encryptedData))
	if err != nil {
		return Phone{}, err
	}
	if genuine {
		if phone, ok := data.phone(appid, c.now()); ok {
			return phone, nil
		}
	}
	return Phone{}, c.staleKeyOrBadData(ctx, appid, openid, key)
}

// checkEncryptedData asks WeChat whether it encrypted the data. The request has the
// SHA-256 of the base64 text.
func (c *Client) checkEncryptedData(ctx context.Context, appid, openid, encryptedData string) (bool, error) {
	a, err := c.app(appid)
	if err != nil {
		return false, err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	sum := sha256.Sum256([]byte(encryptedData))
	call := apiCall{
		api: apiCheckData, bulkhead: bulkheadAPI, user: openid,
		body: map[string]string{"encrypted_msg_hash": hex.EncodeToString(sum[:])},
	}
	var got struct {
		Valid bool `json:"vaild"` // WeChat's spelling
	}
	err = c.doWithToken(ctx, a, call, &got)
	if errors.Is(err, ErrBadData) {
		return false, nil
	}
	return got.Valid, err
}

// phone decrypts and parses the number. It parses the text even if the padding is wrong, so
// that the time doesn't tell the sender what is wrong.
func (c ciphertext) phone(appid string, now time.Time) (Phone, bool) {
	text, padded := c.decrypt()
	phone, mark, ok := parsePhoneData(text)
	return phone, padded && ok && mark.valid(appid, now)
}

// parsePhoneData parses a phone number as WeChat writes it into open data: an object with
// exactly these fields, each once, and nothing after it. encoding/json alone would
// accept field names in any case, and the last of two fields of the same name.
func parsePhoneData(text []byte) (Phone, watermark, bool) {
	fields, ok := strictObject(text, "phoneNumber", "purePhoneNumber", "countryCode", "watermark")
	if !ok {
		return Phone{}, watermark{}, false
	}
	markFields, ok := strictObject(fields["watermark"], "timestamp", "appid")
	if !ok {
		return Phone{}, watermark{}, false
	}
	var info phoneInfo
	var mark watermark
	err := errors.Join(
		json.Unmarshal(fields["phoneNumber"], &info.Number),
		json.Unmarshal(fields["purePhoneNumber"], &info.PureNumber),
		json.Unmarshal(fields["countryCode"], &info.CountryCode),
		json.Unmarshal(markFields["timestamp"], &mark.Timestamp),
		json.Unmarshal(markFields["appid"], &mark.AppID),
	)
	phone, ok := info.phone()
	return phone, mark, err == nil && ok && phone.consistent()
}

// consistent reports whether the parts are digits and agree with each other.
func (p Phone) consistent() bool {
	if !isDigits(p.PureNumber) || !isDigits(p.CountryCode) {
		return false
	}
	return p.Number == p.PureNumber || strings.TrimPrefix(p.Number, "+") == p.CountryCode+p.PureNumber
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
