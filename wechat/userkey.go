package wechat

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"wxgate/secret"
)

// UserKey is one of the keys that WeChat gives a user for signing and encrypting
// (wx.getUserCryptoManager().getLatestUserKey), which no stolen token includes.
type UserKey struct {
	Version int64
	Key     secret.Text // 16 raw bytes
	IV      string      // 16 ASCII characters, taken as bytes
	EndsAt  time.Time   // by WeChat's word
}

const (
	maxUserKeys    = 3
	userKeySize    = 16        // bytes, of key and iv
	maxUserKeyLife = time.Hour // WeChat's keys live for one
)

// UserKeys gives the user's last keys, newest first, three at most; some may have
// ended, and a user who never asked for one has none. Errors: ErrUnknownApp, ErrKeyStale where the session key is no longer the
// user's, ErrRateLimited, ErrMisconfigured, ErrUnavailable.
func (c *Client) UserKeys(ctx context.Context, appid, openid string, key secret.Text) ([]UserKey, error) {
	a, err := c.app(appid)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	k := sessionCall(apiUserKeys, openid, key)
	var got struct {
		Keys []userKeyInfo `json:"key_info_list"`
	}
	asked := c.now()
	if err := c.doWithToken(ctx, a, k, &got); err != nil {
		return nil, err
	}
	keys, ok := userKeys(got.Keys, asked)
	if !ok {
		return nil, malformedAnswer(k)
	}
	return keys, nil
}

// userKeyInfo is a key in WeChat's words.
type userKeyInfo struct {
	Key        string `json:"encrypt_key"` // base64
	Version    number `json:"version"`
	ExpireIn   number `json:"expire_in"`   // seconds; 0: it has ended
	CreateTime number `json:"create_time"` // Unix seconds
	IV         string `json:"iv"`
}

// userKeys takes all of what WeChat said or nothing.
func userKeys(list []userKeyInfo, now time.Time) ([]UserKey, bool) {
	if len(list) > maxUserKeys {
		return nil, false
	}
	keys := make([]UserKey, len(list))
	for i, info := range list {
		key, ok := info.userKey(now)
		if !ok || slices.ContainsFunc(keys[:i], func(k UserKey) bool { return k.Version == key.Version }) {
			return nil, false
		}
		keys[i] = key
	}
	slices.SortFunc(keys, func(a, b UserKey) int { return cmp.Compare(b.Version, a.Version) })
	return keys, true
}

func (i userKeyInfo) userKey(now time.Time) (UserKey, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(i.Key)
	if err != nil || len(raw) != userKeySize || len(i.IV) != userKeySize || !isPrintableASCII(i.IV) || i.Version < 0 || i.ExpireIn < 0 {
		return UserKey{}, false
	}
	return UserKey{Version: int64(i.Version), Key: secret.Text(raw), IV: i.IV, EndsAt: i.endsAt(now)}, true
}

// endsAt is when the key ends. WeChat lists keys that ended hours ago too, all with
// nothing left: when those ended follows from when they were made.
func (i userKeyInfo) endsAt(now time.Time) time.Time {
	if i.ExpireIn > 0 {
		return now.Add(min(time.Duration(min(i.ExpireIn, 1<<30))*time.Second, maxUserKeyLife))
	}
	if ended := time.Unix(int64(i.CreateTime), 0).Add(maxUserKeyLife); i.CreateTime > 0 && ended.Before(now) {
		return ended
	}
	return now
}

func isPrintableASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
