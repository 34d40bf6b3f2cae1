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
// Errors: ErrBadData, uniform for all that can be wrong with the data, also for
// data made more than five minutes ago; ErrKeyStale when it doesn't decrypt and
// WeChat says that the key is no longer the user's; ErrUnavailable when WeChat
// could not be asked for that; ErrUnknownApp.
func (c *Client) OpenData(ctx context.Context, appid, openid string, key secret.Text, encryptedData, iv string) (json.RawMessage, error) {
	if _, err := c.app(appid); err != nil {
		return nil, err
	}
	sealed, err := parseCiphertext(key, encryptedData, iv)
	if err != nil {
		return nil, err
	}
	plain, err := sealed.open()
	if errors.Is(err, errNotDecrypted) {
		return nil, c.staleKeyOrBadData(ctx, appid, openid, key)
	}
	if err != nil {
		return nil, err
	}
	if err := checkWatermark(plain, appid, c.now()); err != nil {
		return nil, err
	}
	return plain, nil
}

// staleKeyOrBadData tells data made under a newer session key from data that is wrong.
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

// errNotDecrypted: the key is not the one that the data was encrypted under, or
// the data was changed. Wrong padding and text that is no JSON are one error, so
// that nobody can tell them apart and use the difference to decrypt.
var errNotDecrypted = errors.New("wechat: data doesn't decrypt")

// ciphertext is open data with all lengths checked: CryptBlocks panics on a part of a
// block, and NewCBCDecrypter on a wrong iv.
type ciphertext struct {
	key, iv, data []byte
}

// parseCiphertext undoes base64. A + that became a space, as it does where data went
// through a form or a query unescaped, is put back: no space is valid base64.
func parseCiphertext(key secret.Text, data, iv string) (ciphertext, error) {
	if len(data) > base64.StdEncoding.EncodedLen(maxOpenData) || len(iv) > 64 {
		return ciphertext{}, ErrBadData
	}
	k, errKey := base64.StdEncoding.DecodeString(key.Reveal())
	d, errData := base64.StdEncoding.DecodeString(strings.ReplaceAll(data, " ", "+"))
	v, errIV := base64.StdEncoding.DecodeString(strings.ReplaceAll(iv, " ", "+"))
	if errors.Join(errKey, errData, errIV) != nil {
		return ciphertext{}, ErrBadData
	}
	if len(k) != 16 || len(v) != aes.BlockSize || len(d) == 0 || len(d)%aes.BlockSize != 0 || len(d) > maxOpenData {
		return ciphertext{}, ErrBadData
	}
	return ciphertext{key: k, iv: v, data: d}, nil
}

// open decrypts and gives the JSON object inside.
func (c ciphertext) open() (json.RawMessage, error) {
	block, err := aes.NewCipher(c.key)
	if err != nil {
		return nil, ErrBadData
	}
	plain := make([]byte, len(c.data))
	cipher.NewCBCDecrypter(block, c.iv).CryptBlocks(plain, c.data)
	text, ok := unpad(plain)
	if !ok || !isObject(text) {
		return nil, errNotDecrypted
	}
	return text, nil
}

// unpad takes PKCS#7 padding off, each of its bytes checked. b is not empty.
func unpad(b []byte) ([]byte, bool) {
	n := int(b[len(b)-1])
	if n == 0 || n > aes.BlockSize || n > len(b) {
		return nil, false
	}
	text, padding := b[:len(b)-n], b[len(b)-n:]
	return text, bytes.Equal(padding, bytes.Repeat([]byte{byte(n)}, n))
}

func isObject(text []byte) bool {
	return json.Valid(text) && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{"))
}

// checkWatermark refuses data made for another app, and data that is old: it
// could have been caught on its way and sent again.
func checkWatermark(plain json.RawMessage, appid string, now time.Time) error {
	var marked struct {
		Watermark struct {
			AppID     string `json:"appid"`
			Timestamp number `json:"timestamp"` // Unix seconds
		} `json:"watermark"`
	}
	if err := json.Unmarshal(plain, &marked); err != nil {
		return ErrBadData
	}
	age := now.Sub(time.Unix(int64(marked.Watermark.Timestamp), 0))
	if marked.Watermark.AppID != appid || age > openDataAge || age < -openDataSkew {
		return ErrBadData
	}
	return nil
}
