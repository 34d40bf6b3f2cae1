package wechattest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"time"
)

// OpenData is encrypted data as wx returns it to the mini program, in base64.
type OpenData struct {
	EncryptedData string `json:"encrypted_data"`
	IV            string `json:"iv"`
}

// EncryptPhone returns the data of the phone button of base libraries before codes.
func (u *User) EncryptPhone() OpenData {
	return u.Encrypt(phoneInfo(u.Phone()), time.Time{})
}

// EncryptProfile returns the data of wx.getUserInfo as it was with openid and unionid, for
// backends that read them.
func (u *User) EncryptProfile() OpenData {
	return u.Encrypt(u.profileWithIDs(), time.Time{})
}

// Encrypt encrypts fields with the current session key, and adds the watermark of the app
// and the time; zero means now. Before the first wx.login it uses a random key.
func (u *User) Encrypt(fields map[string]any, at time.Time) OpenData {
	if at.IsZero() {
		at = u.server.now()
	}
	watermarked := maps.Clone(fields)
	if watermarked == nil {
		watermarked = map[string]any{}
	}
	watermarked["watermark"] = watermark(u.AppID, at)
	key, err := base64.StdEncoding.DecodeString(u.SessionKey())
	if err != nil || len(key) == 0 {
		key = make([]byte, 16)
		_, _ = rand.Read(key)
	}
	s := encryptOpenData(key, mustJSON(watermarked))
	u.ConfirmOpenData(s)
	return s
}

// openDataLifetime is how long checkencryptedmsg confirms data.
const openDataLifetime = 72 * time.Hour

// ConfirmOpenData makes checkencryptedmsg confirm this data, as it does for the data of
// Encrypt. It is for tests with data of any content.
func (u *User) ConfirmOpenData(s OpenData) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	now := u.server.now()
	maps.DeleteFunc(u.app.encrypted, func(_ string, at time.Time) bool { return now.Sub(at) > openDataLifetime })
	sum := sha256.Sum256([]byte(s.EncryptedData))
	u.app.encrypted[hex.EncodeToString(sum[:])] = now
}

// checkEncryptedData handles checkencryptedmsg: it confirms data that was encrypted for the
// app's users within three days. WeChat confirms only phone numbers, the simulator all
// data.
func (s *Server) checkEncryptedData(r *request) response {
	var params struct {
		Hash string `json:"encrypted_msg_hash"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	if raw, err := hex.DecodeString(params.Hash); err != nil || len(raw) != sha256.Size {
		return failure(40097, "invalid args")
	}
	at, known := r.app.encrypted[params.Hash]
	if !known || s.now().Sub(at) > openDataLifetime {
		return failure(1, "invalid encrypted msg hash")
	}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "vaild": true, "create_time": at.Unix()})
}

// encryptOpenData encrypts with AES-128-CBC and PKCS#7 padding.
func encryptOpenData(key, plain []byte) OpenData {
	iv := make([]byte, aes.BlockSize)
	_, _ = rand.Read(iv)
	n := aes.BlockSize - len(plain)%aes.BlockSize
	data := append(plain, bytes.Repeat([]byte{byte(n)}, n)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has 16 bytes
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return OpenData{base64.StdEncoding.EncodeToString(data), base64.StdEncoding.EncodeToString(iv)}
}

func watermark(appid string, at time.Time) map[string]any {
	return map[string]any{"timestamp": at.Unix(), "appid": appid}
}

// profileWithIDs is the profile of wx.getUserInfo with openid and unionid.
func (u *User) profileWithIDs() map[string]any {
	p := u.profile()
	p["openId"], p["unionId"] = u.OpenID, u.UnionID
	return p
}
