package wechat_test

import (
	"errors"
	"strings"
	"testing"
	"wxgate/wechat"
)

func TestChangedRawDataIsRefused(t *testing.T) {
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
