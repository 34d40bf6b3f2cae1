package wechat_test

import (
	"errors"
	"strings"
	"testing"

	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for _, s := range v.HMAC {
		if got := wechat.Sign(s.SessionKey, s.Message); got != s.Signature {
			t.Errorf("%q: %s, want %s", s.Message, got, s.Signature)
		}
	}
	for _, s := range v.HMACOfDecodedKey {
		if wechat.Sign(s.SessionKey, s.Message) == s.Signature {
			t.Error("the key was decoded first")
		}
	}
	env := newTestEnv(t)
	r := v.RawData
	if err := env.client.VerifyRawData(t.Context(), appID, "o1", r.SessionKey, r.RawData, r.Signature); err != nil {
		t.Error(err)
	}
	if err := env.client.VerifyRawData(t.Context(), appID, "o1", r.SessionKey, r.RawData, strings.ToUpper(r.Signature)); err != nil {
		t.Error("upper case: ", err)
	}
}

func TestRawDataThatWasChangedIsRefused(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	raw, signature := u.RawData()
	if err := env.client.VerifyRawData(t.Context(), appID, u.OpenID, key, raw, signature); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"changed":       {raw + " ", signature},
		"empty":         {"", signature},
		"no signature":  {raw, ""},
		"not hex":       {raw, strings.Repeat("x", 40)},
		"too long":      {raw, signature + "0"},
		"too much data": {strings.Repeat("x", 1<<20), signature},
	} {
		if err := env.client.VerifyRawData(t.Context(), appID, u.OpenID, key, c[0], c[1]); !errors.Is(err, wechat.ErrBadData) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckSessionSaysWhetherTheKeyIsInForce(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, key); !ok || err != nil {
		t.Errorf("in force: %v, %v", ok, err)
	}
	u.RotateKey()
	if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, key); ok || err != nil {
		t.Errorf("after a rotation: %v, %v", ok, err)
	}
	env.sim.AddFault(wechattest.Fault{API: checksession, Errcode: 45011})
	if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, key); ok || !errors.Is(err, wechat.ErrRateLimited) {
		t.Errorf("too often: %v, %v", ok, err)
	}
	if _, err := env.client.CheckSession(t.Context(), "wxother", u.OpenID, key); !errors.Is(err, wechat.ErrUnknownApp) {
		t.Errorf("another app: %v", err)
	}
}
