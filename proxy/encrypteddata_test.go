package proxy_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/wechat/wechattest"
)

func TestPhoneIsBoundFromGenuineDataOnly(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	mallory := env.user("mallory")
	mallory.SetPhone("13800000000")
	token := env.login("mallory")
	bind := func(data, iv string) testkit.Response {
		return env.call("POST", "/auth/phone", token, fmt.Sprintf(`{"encrypted_data":%q,"iv":%q}`, data, iv))
	}
	s := mallory.EncryptPhone()
	// The user knows the plain text, and with that the position of its digits:
	// {"countryCode":"86","phoneNumber":"13800000000",…
	raw, err := base64.StdEncoding.DecodeString(s.EncryptedData)
	testkit.Must(t, err)
	for at := 35; at < 46; at++ {
		forged := append([]byte{}, raw...)
		forged[at-16] ^= 1
		if a := bind(base64.StdEncoding.EncodeToString(forged), s.IV); a.Status != http.StatusBadRequest || a.Code() != "bad_data" {
			t.Errorf("digit at %d: %d %s", at, a.Status, a.Code())
		}
	}
	env.sim.AddFault(wechattest.Fault{API: "/wxa/business/checkencryptedmsg", Drop: true, Times: 1})
	if a := bind(s.EncryptedData, s.IV); a.Status != http.StatusServiceUnavailable || a.Code() != "wechat_unavailable" {
		t.Errorf("while WeChat is unreachable: %d %s", a.Status, a.Code())
	}
	var body struct{ User struct{ Phone string } }
	if env.call("GET", "/auth/session", token, "").JSON(t, &body); body.User.Phone != "" {
		t.Errorf("bound: %s", body.User.Phone)
	}
	if a := bind(s.EncryptedData, s.IV); a.Status != http.StatusOK {
		t.Errorf("genuine: %d %s", a.Status, a.Code())
	}
	if env.call("GET", "/auth/session", token, "").JSON(t, &body); body.User.Phone != "13800000000" {
		t.Errorf("bound: %q", body.User.Phone)
	}
}

func TestProfileIsTakenFromSignedDataOnly(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	token := env.login("alice")
	alice := env.user("alice")
	raw, signature := alice.RawData()
	other := alice.Encrypt(map[string]any{"openId": alice.OpenID, "nickName": "forged"}, time.Time{})
	res := env.call("PUT", "/auth/profile", token, fmt.Sprintf(`{"raw_data":%q,"signature":%q,"encrypted_data":%q,"iv":%q}`, raw, signature, other.EncryptedData, other.IV))
	if res.Status != http.StatusOK || strings.Contains(string(res.Body), "forged") || !strings.Contains(string(res.Body), "alice") {
		t.Errorf("%d %s", res.Status, res.Body)
	}
	if res := env.call("PUT", "/auth/profile", token, fmt.Sprintf(`{"encrypted_data":%q,"iv":%q}`, other.EncryptedData, other.IV)); res.Status != http.StatusBadRequest {
		t.Errorf("without signed data: %d %s", res.Status, res.Body)
	}
}
