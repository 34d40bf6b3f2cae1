package wechat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"wxgate/secret"
)

// DecryptPhone gives the number in what the phone button gave before it gave codes
// (encryptedData and iv).
//
// The data is AES-CBC without authentication: its sender could change the number in
// it, block by block. So WeChat is asked first whether the data is its own
// (checkencryptedmsg), and nothing else is decrypted. That answer covers the data,
// not the iv, by which the first sixteen bytes can still be changed: the fields must
// be exactly those that WeChat writes, and agree with each other.
//
// Errors: ErrBadData, one and the same with the same calls to WeChat for all that
// can be wrong; ErrKeyStale, as for OpenData; ErrUnavailable, ErrRateLimited and
// ErrMisconfigured when WeChat could not say; ErrUnknownApp.
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

// checkEncryptedData asks WeChat whether it made the data, which it knows by the
// SHA-256 of the base64 text.
func (c *Client) checkEncryptedData(ctx context.Context, appid, openid, encryptedData string) (bool, error) {
	a, err := c.app(appid)
	if err != nil {
		return false, err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	sum := sha256.Sum256([]byte(encryptedData))
	k := call{
		api: apiCheckData, bulkhead: bulkheadAPI, user: openid,
		body: map[string]string{"encrypted_msg_hash": hex.EncodeToString(sum[:])},
	}
	var got struct {
		Valid bool `json:"vaild"` // WeChat's spelling
	}
	err = c.doWithToken(ctx, a, k, &got)
	if errors.Is(err, ErrBadData) {
		return false, nil
	}
	return got.Valid, err
}

// phone decrypts the number. Each step is taken whatever the one before said.
func (c ciphertext) phone(appid string, now time.Time) (Phone, bool) {
	text, padded := c.decrypt()
	phone, mark, ok := parsePhoneData(text)
	return phone, padded && ok && mark.valid(appid, now)
}

// parsePhoneData reads a number as WeChat writes it into open data: an object with
// these fields in these cases, each once, and nothing after it. encoding/json alone
// would take a field in any case, and the last of two.
func parsePhoneData(text []byte) (Phone, watermark, bool) {
	fields, ok := strictObject(text, "phoneNumber", "purePhoneNumber", "countryCode", "watermark")
	if !ok {
		return Phone{}, watermark{}, false
	}
	marks, ok := strictObject(fields["watermark"], "timestamp", "appid")
	if !ok {
		return Phone{}, watermark{}, false
	}
	var info phoneInfo
	var mark watermark
	err := errors.Join(
		json.Unmarshal(fields["phoneNumber"], &info.Number),
		json.Unmarshal(fields["purePhoneNumber"], &info.PureNumber),
		json.Unmarshal(fields["countryCode"], &info.CountryCode),
		json.Unmarshal(marks["timestamp"], &mark.Timestamp),
		json.Unmarshal(marks["appid"], &mark.AppID),
	)
	phone, ok := info.phone()
	return phone, mark, err == nil && ok && phone.consistent()
}

// consistent says whether the parts are digits that agree with each other.
func (p Phone) consistent() bool {
	if !isDigits(p.PureNumber) || !isDigits(p.CountryCode) {
		return false
	}
	return p.Number == p.PureNumber || strings.TrimPrefix(p.Number, "+") == p.CountryCode+p.PureNumber
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// strictObject gives the fields of a JSON object that has exactly these, each once,
// in UTF-8, with nothing after it.
func strictObject(text []byte, names ...string) (map[string]json.RawMessage, bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	fields := make(map[string]json.RawMessage, len(names))
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return nil, false
		}
		if _, twice := fields[name.(string)]; twice {
			return nil, false
		}
		fields[name.(string)] = value
	}
	if t, err := d.Token(); err != nil || t != json.Delim('}') {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	return fields, hasExactly(fields, names)
}

func hasExactly(fields map[string]json.RawMessage, names []string) bool {
	for _, name := range names {
		if fields[name] == nil {
			return false
		}
	}
	return len(fields) == len(names)
}
