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

// OpenData is open data as wx gives it to the mini program, in base64.
type OpenData struct {
	EncryptedData string `json:"encrypted_data"`
	IV            string `json:"iv"`
}

// EncryptPhone is what the phone button of the old way gives.
func (u *User) EncryptPhone() OpenData {
	return u.Encrypt(phoneInfo(u.Phone()), time.Time{})
}

// EncryptProfile is what wx.getUserInfo gave before openid and unionid were taken
// out of it, so that a backend that reads them can be tried.
func (u *User) EncryptProfile() OpenData {
	return u.Encrypt(u.oldProfile(), time.Time{})
}

// Encrypt seals any fields with the session key in force, watermarked with the app
// and the time; zero is now. Before the first wx.login there is no key: one is made,
// which no backend has.
func (u *User) Encrypt(fields map[string]any, at time.Time) OpenData {
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
	s := seal(key, mustJSON(marked))
	u.ConfirmOpenData(s)
	return s
}

// openDataLifetime is how long WeChat knows what it has encrypted.
const openDataLifetime = 72 * time.Hour

// ConfirmOpenData makes checkencryptedmsg confirm the data, as it does for
// what Encrypt gave: for tests of how a backend reads data of any content.
func (u *User) ConfirmOpenData(s OpenData) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	now := u.server.now()
	maps.DeleteFunc(u.app.sealed, func(_ string, made time.Time) bool { return now.Sub(made) > openDataLifetime })
	sum := sha256.Sum256([]byte(s.EncryptedData))
	u.app.sealed[hex.EncodeToString(sum[:])] = now
}

// checkEncryptedData says whether this WeChat encrypted the data with that hash for
// one of the app's users within the last three days. WeChat does so for phone numbers
// alone; here it knows all data.
func (s *Server) checkEncryptedData(r *request) response {
	var asked struct {
		Hash string `json:"encrypted_msg_hash"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	if raw, err := hex.DecodeString(asked.Hash); err != nil || len(raw) != sha256.Size {
		return failure(40097, "invalid args")
	}
	made, known := r.app.sealed[asked.Hash]
	if !known || s.now().Sub(made) > openDataLifetime {
		return failure(1, "invalid encrypted msg hash")
	}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "vaild": true, "create_time": made.Unix()})
}

// seal is AES-128-CBC with PKCS#7 padding.
func seal(key, plain []byte) OpenData {
	iv := make([]byte, aes.BlockSize)
	_, _ = rand.Read(iv)
	n := aes.BlockSize - len(plain)%aes.BlockSize
	data := append(plain, bytes.Repeat([]byte{byte(n)}, n)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // keys are made here and have 16 bytes
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return OpenData{base64.StdEncoding.EncodeToString(data), base64.StdEncoding.EncodeToString(iv)}
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
