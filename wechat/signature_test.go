package wechat_test

import (
	"strings"
	"testing"

	"wxgate/wechat"
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
			t.Error("the key is decoded")
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
