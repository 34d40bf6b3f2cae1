package wechat

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"wxgate/secret"
)

const (
	maxOpenData  = 64 << 10        // bytes of the encrypted data; a profile has about 400
	openDataAge  = 5 * time.Minute // since WeChat encrypted it
	openDataSkew = time.Minute     // by which WeChat's clock may be ahead
)

// OpenData decrypts open data (encryptedData and iv of getPhoneNumber, getUserInfo,
// getShareInfo, …): AES-128-CBC with the session key, with a watermark of the app and
// the time. It returns the JSON as WeChat wrote it.
//
// It doesn't authenticate the data: CBC is malleable, and the sender of data and iv can
// change the content. Use DecryptPhone for a phone number.
//
// Errors: ErrBadData, the same error for every fault of the data, including data
// that was encrypted more than five minutes ago; ErrKeyStale if the data is invalid and
// WeChat says that the key is no longer the user's; ErrUnavailable if WeChat doesn't
// respond; ErrUnknownApp.
func (c *Client) OpenData(ctx context.Context, appid, openid string, key secret.Text, encryptedData, iv string) (json.RawMessage, error) {
	if _, err := c.app(appid); err != nil {
		return nil, err
	}
	data, err := parseCiphertext(key, encryptedData, iv)
	if err != nil {
		return nil, err
	}
	text, ok := data.decrypt()
	if !ok || !isObject(text) || !hasValidWatermark(text, appid, c.now()) {
		return nil, c.staleKeyOrBadData(ctx, appid, openid, key)
	}
	return text, nil
}

// staleKeyOrBadData returns ErrKeyStale if the session key is no longer the user's, and
// ErrBadData otherwise. It is called after every failure: a difference in response
// or in calls between wrong padding, wrong JSON and a wrong watermark would be a
// padding oracle.
func (c *Client) staleKeyOrBadData(ctx context.Context, appid, openid string, key secret.Text) error {
	valid, err := c.CheckSession(ctx, appid, openid, key)
	switch {
	case err != nil:
		return err
	case !valid:
		return ErrKeyStale
	}
	return ErrBadData
}

// ciphertext is open data whose lengths are valid: CryptBlocks panics on a partial block,
// and NewCBCDecrypter on an iv of another length.
type ciphertext struct {
	key, iv, data []byte
}

// parseCiphertext decodes the base64 of key, data and iv, and checks their lengths. Its
// error depends only on what the sender already knows.
func parseCiphertext(key secret.Text, data, iv string) (ciphertext, error) {
	if len(data) > base64.StdEncoding.EncodedLen(maxOpenData) || len(iv) > 64 {
		return ciphertext{}, ErrBadData
	}
	rawKey, errKey := base64.StdEncoding.DecodeString(key.Reveal())
	rawData, errData := base64.StdEncoding.DecodeString(restorePlus(data))
	rawIV, errIV := base64.StdEncoding.DecodeString(restorePlus(iv))
	if errors.Join(errKey, errData, errIV) != nil {
		return ciphertext{}, ErrBadData
	}
	if len(rawKey) != 16 || len(rawIV) != aes.BlockSize || len(rawData) == 0 || len(rawData)%aes.BlockSize != 0 || len(rawData) > maxOpenData {
		return ciphertext{}, ErrBadData
	}
	return ciphertext{key: rawKey, iv: rawIV, data: rawData}, nil
}

// restorePlus replaces spaces by +. A client that sends base64 text in a form
// or a query without escaping turns + into a space; base64 has no spaces.
func restorePlus(text string) string { return strings.ReplaceAll(text, " ", "+") }

// decrypt returns the plaintext without its padding. If the padding is wrong, it returns
// the whole plaintext and false.
func (c ciphertext) decrypt() ([]byte, bool) {
	block, err := aes.NewCipher(c.key)
	if err != nil {
		return nil, false
	}
	plain := make([]byte, len(c.data))
	cipher.NewCBCDecrypter(block, c.iv).CryptBlocks(plain, c.data)
	if text, ok := unpad(plain, aes.BlockSize); ok {
		return text, true
	}
	return plain, false
}

// unpad removes PKCS#7 padding, and checks each byte of it. b must not be empty.
func unpad(b []byte, blockSize int) ([]byte, bool) {
	n := int(b[len(b)-1])
	if n == 0 || n > blockSize || n > len(b) {
		return nil, false
	}
	text, padding := b[:len(b)-n], b[len(b)-n:]
	return text, bytes.Equal(padding, bytes.Repeat([]byte{byte(n)}, n))
}

func isObject(text []byte) bool {
	return json.Valid(text) && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{"))
}

// watermark is the watermark field of open data.
type watermark struct {
	AppID     string      `json:"appid"`
	Timestamp intOrString `json:"timestamp"` // Unix seconds
}

// valid reports whether the data is for this app and recent. Old data could be a replay
// of intercepted data.
func (w watermark) valid(appid string, now time.Time) bool {
	return w.AppID == appid && isRecent(int64(w.Timestamp), now, openDataAge, openDataSkew)
}

// hasValidWatermark reports whether the JSON has a valid watermark.
func hasValidWatermark(text []byte, appid string, now time.Time) bool {
	var data struct {
		Watermark watermark `json:"watermark"`
	}
	return json.Unmarshal(text, &data) == nil && data.Watermark.valid(appid, now)
}
