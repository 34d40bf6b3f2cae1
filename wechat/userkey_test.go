package wechat_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

const (
	getuserencryptkey   = "/wxa/business/getuserencryptkey"
	resetusersessionkey = "/wxa/resetusersessionkey"
)

func TestUserKeysAreThoseOfThePhone(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	first := u.LatestUserKey()
	env.Advance(time.Hour)
	second := u.LatestUserKey()
	got, err := env.client.UserKeys(t.Context(), appID, u.OpenID, key)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, want := range []wechattest.UserKey{second, first} {
		k := got[i]
		if base64.StdEncoding.EncodeToString([]byte(k.Key.Reveal())) != want.EncryptKey || k.IV != want.IV || k.Version != int64(want.Version) {
			t.Errorf("%d: %+v, the phone has %+v", i, k, want)
		}
	}
	if !got[0].EndsAt.Equal(env.Now().Add(time.Hour)) || got[1].EndsAt.After(env.Now()) {
		t.Errorf("they expire at %v and %v", got[0].EndsAt, got[1].EndsAt)
	}
}

// WeChat refuses the signature of a call with a body.
func TestUserKeysRequestHasNoBody(t *testing.T) {
	t.Parallel()
	var sent *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r
		respondWith(`{"errcode":0,"errmsg":"ok","key_info_list":[]}`)(w, r)
	}))
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL, Tokens: fixedToken{"T1"}})
	keys, err := c.UserKeys(t.Context(), appID, "o1", "o0q0otL8aEzpcZL/FT9WsQ==")
	if err != nil || len(keys) != 0 {
		t.Errorf("%+v, %v", keys, err)
	}
	q := sent.URL.Query()
	if sent.Method != http.MethodGet || sent.ContentLength != 0 || len(sent.TransferEncoding) != 0 || sent.Header.Get("Content-Type") != "" {
		t.Errorf("%s with %d bytes", sent.Method, sent.ContentLength)
	}
	if q.Get("access_token") != "T1" || q.Get("openid") != "o1" || q.Get("sig_method") != "hmac_sha256" || q.Get("signature") != "46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fed128" {
		t.Errorf("query %v", q)
	}
}

func TestPublishedUserKeys(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	response, err := os.ReadFile("testdata/getuserencryptkey.json")
	if err != nil {
		t.Fatal(err)
	}
	env.sim.AddFault(wechattest.Fault{API: getuserencryptkey, Body: string(response)})
	keys, err := env.client.UserKeys(t.Context(), appID, "o1", "key")
	if err != nil || len(keys) != 3 {
		t.Fatalf("%+v, %v", keys, err)
	}
	if k := keys[0]; k.Version != 10 || k.IV != "6003f73ec441c386" || len(k.Key) != 16 || !k.EndsAt.Equal(env.Now().Add(3597*time.Second)) {
		t.Errorf("%+v", k)
	}
	if keys[1].Version != 9 || keys[2].Version != 8 {
		t.Errorf("versions %d, %d", keys[1].Version, keys[2].Version)
	}
	if expiry := time.Unix(1616504886, 0).Add(time.Hour); !keys[1].EndsAt.Equal(expiry) {
		t.Errorf("version 9 expired at %v, want %v", keys[1].EndsAt, expiry)
	}
}

// WeChat lists keys that expired long ago. They must not become valid again.
func TestExpiredUserKeysStayExpired(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	now := env.Now()
	for name, c := range map[string]struct {
		expireIn int
		created  int64
		want     time.Time
	}{
		"valid":                   {3597, now.Unix() - 3, now.Add(3597 * time.Second)},
		"valid, no create_time":   {60, 0, now.Add(time.Minute)},
		"expired 30 s ago":        {0, now.Add(-time.Hour - 30*time.Second).Unix(), now.Add(-30 * time.Second).Truncate(time.Second)},
		"expired yesterday":       {0, now.Add(-25 * time.Hour).Unix(), now.Add(-24 * time.Hour).Truncate(time.Second)},
		"expired, no create_time": {0, 0, now},
		"expired before its hour": {0, now.Unix() - 60, now},
	} {
		body := fmt.Sprintf(`{"key_info_list":[{"encrypt_key":"VI6BpyrK9XH4i4AIGe86tg==","version":1,"iv":"6003f73ec441c386","expire_in":%d,"create_time":%d}]}`, c.expireIn, c.created)
		env.sim.AddFault(wechattest.Fault{API: getuserencryptkey, Times: 1, Body: body})
		keys, err := env.client.UserKeys(t.Context(), appID, "o1", "key")
		if err != nil || len(keys) != 1 || !keys[0].EndsAt.Equal(c.want) {
			t.Errorf("%s: want expiry %v, got %+v, %v", name, c.want, keys, err)
		}
	}
}

func TestMalformedUserKeysAreRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	info := func(key, iv, version, life string) string {
		return fmt.Sprintf(`{"encrypt_key":%q,"iv":%q,"version":%s,"expire_in":%s,"create_time":1}`, key, iv, version, life)
	}
	const key, iv = "VI6BpyrK9XH4i4AIGe86tg==", "6003f73ec441c386"
	good := info(key, iv, "2", "3600")
	for name, c := range map[string]struct {
		list string
		ok   bool
	}{
		"good":                {good, true},
		"out of order":        {info(key, iv, "1", "0") + "," + good, true},
		"a longer lifetime":   {info(key, iv, "2", "1e9"), false},
		"a version twice":     {good + "," + good, false},
		"four":                {good + "," + info(key, iv, "3", "0") + "," + info(key, iv, "4", "0") + "," + info(key, iv, "5", "0"), false},
		"a short key":         {info("VI6BpyrK9XH4i4AIGe8=", iv, "2", "3600"), false},
		"a long key":          {info("VI6BpyrK9XH4i4AIGe86tgAA", iv, "2", "3600"), false},
		"key not base64":      {info("*", iv, "2", "3600"), false},
		"a short iv":          {info(key, "6003f73ec441c38", "2", "3600"), false},
		"an iv not ASCII":     {info(key, "6003f73ec441c3é", "2", "3600"), false},
		"a control in iv":     {info(key, "6003f73ec441c38\x01", "2", "3600"), false},
		"no version":          {`{"encrypt_key":"` + key + `","iv":"` + iv + `","version":"x"}`, false},
		"a negative lifetime": {info(key, iv, "2", "-1"), false},
		"null":                {`null`, false},
	} {
		env.sim.AddFault(wechattest.Fault{API: getuserencryptkey, Times: 1, Body: `{"errcode":0,"key_info_list":[` + c.list + `]}`})
		keys, err := env.client.UserKeys(t.Context(), appID, "o1", "key")
		if c.ok != (err == nil) || !c.ok && (!errors.Is(err, wechat.ErrUnavailable) || keys != nil) {
			t.Errorf("%s: %+v, %v", name, keys, err)
		}
		if err != nil && strings.Contains(err.Error(), "VI6B") {
			t.Errorf("%s: the error contains a key: %v", name, err)
		}
	}
}

func TestUserKeysWithAStaleSessionKey(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	u.RotateSessionKey()
	if _, err := env.client.UserKeys(t.Context(), appID, u.OpenID, key); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("keys: %v", err)
	}
	if _, err := env.client.ResetSessionKey(t.Context(), appID, u.OpenID, key); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("reset: %v", err)
	}
}
