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
	openDataAge  = 5 * time.Minute // since WeChat made it
	openDataSkew = time.Minute     // that WeChat's clock may be ahead
)

// OpenData decrypts what wx encrypted for the backend (encryptedData and iv of
// getPhoneNumber, getUserInfo, getShareInfo, …): AES-128-CBC under the session
// key, watermarked with the app and the time. It gives the JSON as WeChat wrote it.
//
// It does not prove who made the data: CBC is malleable, and the sender of data and
// iv can change what it says. A phone number must come from DecryptPhone instead.
//
// Errors: ErrBadData, uniform for all that can be wrong with the data, also for
// data made more than five minutes ago; ErrKeyStale when it can't be used and
// WeChat says that the key is no longer the user's; ErrUnavailable when WeChat
// could not be asked for that; ErrUnknownApp.
func (c *Client) OpenData(ctx context.Context, appid, openid string, key secret.Text, encryptedData, iv string) (json.RawMessage, error) {
	if _, err := c.app(appid); err != nil {
		return nil, err
	}
	data, err := parseCiphertext(key, encryptedData, iv)
	if err != nil {
		return nil, err
	}
	text, ok := data.decrypt()
	if !ok || !isObject(text) || !watermarked(text, appid, c.now()) {
		return nil, c.staleKeyOrBadData(ctx, appid, openid, key)
	}
	return text, nil
}

// staleKeyOrBadData tells data made under a newer session key from data that is
// wrong. It is asked after every failure, whatever failed: a difference in answer
// or effort between wrong padding, wrong JSON and a wrong watermark would let a
// sender find out what a text of his decrypts to.
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

// ciphertext is open data with all lengths checked: CryptBlocks panics on a part of
// a block, and NewCBCDecrypter on a wrong iv.
type ciphertext struct {
	key, iv, data []byte
}

// parseCiphertext undoes base64. What it refuses, it refuses for its form alone:
// that tells the sender nothing new.
func parseCiphertext(key secret.Text, data, iv string) (ciphertext, error) {
	if len(data) > base64.StdEncoding.EncodedLen(maxOpenData) || len(iv) > 64 {
		return ciphertext{}, ErrBadData
	}
	k, errKey := base64.StdEncoding.DecodeString(key.Reveal())
	d, errData := base64.StdEncoding.DecodeString(restorePlus(data))
	v, errIV := base64.StdEncoding.DecodeString(restorePlus(iv))
	if errors.Join(errKey, errData, errIV) != nil {
		return ciphertext{}, ErrBadData
	}
	if len(k) != 16 || len(v) != aes.BlockSize || len(d) == 0 || len(d)%aes.BlockSize != 0 || len(d) > maxOpenData {
		return ciphertext{}, ErrBadData
	}
	return ciphertext{key: k, iv: v, data: d}, nil
}

// restorePlus puts a + back that became a space, as it does where data went through
// a form or a query unescaped: no space is valid base64.
func restorePlus(text string) string { return strings.ReplaceAll(text, " ", "+") }

// decrypt gives the text without its padding; with wrong padding, the whole text
// and false.
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

// unpad takes PKCS#7 padding to a block size off, each of its bytes checked. b is
// not empty.
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

// watermark is WeChat's mark in open data.
type watermark struct {
	AppID     string `json:"appid"`
	Timestamp number `json:"timestamp"` // Unix seconds
}

// valid refuses data made for another app, and data that is old: it could have
// been caught on its way and sent again.
func (m watermark) valid(appid string, now time.Time) bool {
	age := now.Sub(time.Unix(int64(m.Timestamp), 0))
	return m.AppID == appid && age <= openDataAge && age >= -openDataSkew
}

func watermarked(text []byte, appid string, now time.Time) bool {
	var data struct {
		Watermark watermark `json:"watermark"`
	}
	return json.Unmarshal(text, &data) == nil && data.Watermark.valid(appid, now)
}
