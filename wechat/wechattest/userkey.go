package wechattest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"time"
)

const (
	userKeyLifetime = time.Hour
	userKeys        = 3 // that getuserencryptkey returns
)

// UserKey is a user's encryption key, as the phone gets it from
// wx.getUserCryptoManager().getLatestUserKey().
type UserKey struct {
	EncryptKey string `json:"encrypt_key"` // base64 of 16 bytes
	IV         string `json:"iv"`          // 16 characters
	Version    int    `json:"version"`
	ExpireTime int64  `json:"expire_time"` // Unix seconds
}

// userKey is one of a user's keys.
type userKey struct {
	UserKey
	created time.Time
}

// LatestUserKey simulates getLatestUserKey: it returns the newest key, or a new one if
// that has expired.
func (u *User) LatestUserKey() UserKey {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	return u.latestKey().UserKey
}

// RotateUserKey creates a new key before the newest one has expired.
func (u *User) RotateUserKey() {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.newKey()
}

func (u *User) latestKey() userKey {
	if len(u.keys) == 0 || !u.server.now().Before(u.keys[0].created.Add(userKeyLifetime)) {
		u.newKey()
	}
	return u.keys[0]
}

func (u *User) newKey() {
	raw, iv, now := make([]byte, 16), make([]byte, 8), u.server.now()
	_, _ = rand.Read(raw)
	_, _ = rand.Read(iv)
	u.keyVersion++
	fresh := userKey{UserKey{
		EncryptKey: base64.StdEncoding.EncodeToString(raw), IV: hex.EncodeToString(iv),
		Version: u.keyVersion, ExpireTime: now.Add(userKeyLifetime).Unix(),
	}, now}
	u.keys = append([]userKey{fresh}, u.keys...)
	u.keys = u.keys[:min(len(u.keys), userKeys)]
}

// userEncryptKey handles getuserencryptkey. All its parameters are in the query; with a
// body, the signature is invalid.
func (s *Server) userEncryptKey(r *request) response {
	if r.ContentLength != 0 && r.signedBy == nil {
		return failure(87009, "invalid signature")
	}
	if res, ok := s.checkSignature(r); !ok {
		return res
	}
	u := r.app.userByOpenID(r.query.Get("openid"))
	u.latestKey()
	list := make([]any, 0, userKeys)
	for _, k := range u.keys {
		list = append(list, map[string]any{
			"encrypt_key": k.EncryptKey, "version": k.Version, "iv": k.IV, "create_time": k.created.Unix(),
			"expire_in": max(k.ExpireTime-s.now().Unix(), 0),
		})
	}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "key_info_list": list})
}
