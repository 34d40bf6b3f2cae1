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

// UserKey is one of a user's encryption keys, which WeChat issues to the phone and to the
// server (wx.getUserCryptoManager().getLatestUserKey). Whoever steals a session token
// doesn't have it.
type UserKey struct {
	Version int64
	Key     secret.Text // 16 raw bytes
	IV      string      // 16 ASCII characters
	EndsAt  time.Time   // expiry
}

const (
	maxUserKeys     = 3
	userKeySize     = 16        // bytes, of key and iv
	userKeyLifetime = time.Hour // of every key
)

// UserKeys returns the user's latest keys, newest first, at most three. They may have
// expired, and there is none if the mini program never requested one. Errors:
// ErrUnknownApp, ErrKeyStale if the session key is no longer the user's,
// ErrRateLimited, ErrMisconfigured, ErrUnavailable.
func (c *Client) UserKeys(ctx context.Context, appid, openid string, key secret.Text) ([]UserKey, error) {
	a, err := c.app(appid)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	call := sessionCall(apiUserKeys, openid, key)
	var got struct {
		Keys []userKeyInfo `json:"key_info_list"`
	}
	requestedAt := c.now()
	if err := c.doWithToken(ctx, a, call, &got); err != nil {
		return nil, err
	}
	keys, ok := parseUserKeys(got.Keys, requestedAt)
	if !ok {
		return nil, malformedResponse(call)
	}
	return keys, nil
}

// userKeyInfo is a key as WeChat encodes it.
type userKeyInfo struct {
	Key        string      `json:"encrypt_key"` // base64
	Version    intOrString `json:"version"`
	ExpireIn   intOrString `json:"expire_in"`   // seconds; 0: it has expired
	CreateTime intOrString `json:"create_time"` // Unix seconds
	IV         string      `json:"iv"`
}

// parseUserKeys converts the keys of a response; ok is false if one of them is invalid.
func parseUserKeys(list []userKeyInfo, now time.Time) (keys []UserKey, ok bool) {
	if len(list) > maxUserKeys {
		return nil, false
	}
	keys = make([]UserKey, len(list))
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

// endsAt returns the expiry of the key. WeChat also lists keys that expired hours ago, all with
// expire_in 0: their expiry follows from create_time.
func (i userKeyInfo) endsAt(now time.Time) time.Time {
	if i.ExpireIn > 0 {
		return now.Add(min(time.Duration(min(i.ExpireIn, 1<<30))*time.Second, userKeyLifetime))
	}
	if expired := time.Unix(int64(i.CreateTime), 0).Add(userKeyLifetime); i.CreateTime > 0 && expired.Before(now) {
		return expired
	}
	return now
}

func isPrintableASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
