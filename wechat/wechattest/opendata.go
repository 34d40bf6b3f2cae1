package wechattest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"time"
)

// Sealed is open data as wx gives it to the mini program, in base64.
type Sealed struct {
	EncryptedData string `json:"encrypted_data"`
	IV            string `json:"iv"`
}

// EncryptPhone is what the phone button of the old way gives.
func (u *User) EncryptPhone() Sealed {
	return u.Encrypt(phoneInfo(u.Phone()), time.Time{})
}

// EncryptProfile is what wx.getUserInfo gave before openid and unionid were taken
// out of it, so that a backend that reads them can be tried.
func (u *User) EncryptProfile() Sealed {
	return u.Encrypt(u.oldProfile(), time.Time{})
}

// Encrypt seals any fields with the session key in force, watermarked with the app
// and the time; zero is now. Before the first wx.login there is no key: one is made,
// which no backend has.
func (u *User) Encrypt(fields map[string]any, at time.Time) Sealed {
	if at.IsZero() {
		at = u.server.now()
	}
	marked := maps.Clone(fields)
	if marked == nil {
		marked = map[string]any{}
	}
	marked["watermark"] = watermark(u.AppID, at)
	key, err := base64.StdEncoding.DecodeString(u.SessionKey())
	if err != nil || len(key) == 0 {
		key = make([]byte, 16)
		_, _ = rand.Read(key)
	}
	return seal(key, mustJSON(marked))
}

// seal is AES-128-CBC with PKCS#7 padding.
func seal(key, plain []byte) Sealed {
	iv := make([]byte, aes.BlockSize)
	_, _ = rand.Read(iv)
	n := aes.BlockSize - len(plain)%aes.BlockSize
	data := append(plain, bytes.Repeat([]byte{byte(n)}, n)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // keys are made here and have 16 bytes
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return Sealed{base64.StdEncoding.EncodeToString(data), base64.StdEncoding.EncodeToString(iv)}
}

func watermark(appid string, at time.Time) map[string]any {
	return map[string]any{"timestamp": at.Unix(), "appid": appid}
}

// phoneInfo is a number as open data has it.
func phoneInfo(number string) map[string]any {
	return map[string]any{"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}
}

func (u *User) oldProfile() map[string]any {
	p := u.profile()
	p["openId"], p["unionId"] = u.OpenID, u.UnionID
	return p
}
