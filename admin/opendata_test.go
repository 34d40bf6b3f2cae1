package admin_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/session"
	"wxgate/wechat/wechattest"
)

func sealed(s wechattest.OpenData) string {
	return fmt.Sprintf(`{"encrypted_data":%q,"iv":%q}`, s.EncryptedData, s.IV)
}

func TestOpenDataIsDecryptedForABackend(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("alice")
	alice := env.user("alice")
	path := "/api/users/" + app + "/" + alice.OpenID + "/decrypt"
	a := env.call("POST", path, wechatToken, sealed(alice.Encrypt(map[string]any{"openGId": "群", "n": 7}, time.Time{})))
	var got struct {
		OpenGID   string `json:"openGId"`
		N         int
		Watermark struct{ AppID string }
	}
	a.JSON(t, &got)
	if a.Status != http.StatusOK || got.OpenGID != "群" || got.N != 7 || got.Watermark.AppID != app {
		t.Errorf("decrypted: %v", a)
	}
	env.checkAudited("decrypt", "orders", alice.OpenID)
	if strings.Contains(env.log.String(), "群") {
		t.Error("the log contains decrypted data")
	}
}

// Each way in which open data can be invalid, with the response that a backend gets.
func TestInvalidOpenDataIsRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("alice")
	alice, bob := env.user("alice"), env.user("bob")
	env.login("bob")
	path := "/api/users/" + app + "/" + alice.OpenID + "/decrypt"
	good := alice.Encrypt(map[string]any{"x": 1}, time.Time{})
	stranger, err := env.sim.User(otherApp, "alice")
	testkit.Must(t, err)
	stranger.Code()
	part := base64.StdEncoding.EncodeToString([]byte("no whole block"))
	for name, c := range map[string]struct{ body, want string }{
		"no body":               {"", "400 bad_request"},
		"no JSON":               {"{", "400 bad_request"},
		"a list":                {"[]", "400 bad_request"},
		"nothing":               {"{}", "400 bad_request"},
		"no data":               {fmt.Sprintf(`{"iv":%q}`, good.IV), "400 bad_request"},
		"no iv":                 {fmt.Sprintf(`{"encrypted_data":%q}`, good.EncryptedData), "400 bad_request"},
		"a number for data":     {fmt.Sprintf(`{"encrypted_data":7,"iv":%q}`, good.IV), "400 bad_request"},
		"a number for iv":       {fmt.Sprintf(`{"encrypted_data":%q,"iv":7}`, good.EncryptedData), "400 bad_request"},
		"data is not base64":    {sealed(wechattest.OpenData{EncryptedData: "?!", IV: good.IV}), "400 bad_data"},
		"iv is not base64":      {sealed(wechattest.OpenData{EncryptedData: good.EncryptedData, IV: "?!"}), "400 bad_data"},
		"a part of a block":     {sealed(wechattest.OpenData{EncryptedData: part, IV: good.IV}), "400 bad_data"},
		"an iv of 14 bytes":     {sealed(wechattest.OpenData{EncryptedData: good.EncryptedData, IV: part}), "400 bad_data"},
		"too long":              {sealed(wechattest.OpenData{EncryptedData: strings.Repeat("A", 100_000), IV: good.IV}), "400 bad_data"},
		"a body beyond 1 MiB":   {sealed(wechattest.OpenData{EncryptedData: strings.Repeat("A", 2<<20), IV: good.IV}), "413 body_too_large"},
		"another iv":            {sealed(wechattest.OpenData{EncryptedData: good.EncryptedData, IV: bob.Encrypt(nil, time.Time{}).IV}), "400 bad_data"},
		"another user's":        {sealed(bob.Encrypt(map[string]any{"x": 1}, time.Time{})), "400 bad_data"},
		"another app's":         {sealed(stranger.Encrypt(map[string]any{"x": 1}, time.Time{})), "400 bad_data"},
		"old, as if replayed":   {sealed(alice.Encrypt(nil, time.Now().Add(-6*time.Minute))), "400 bad_data"},
		"from the future":       {sealed(alice.Encrypt(nil, time.Now().Add(5*time.Minute))), "400 bad_data"},
		"valid, for comparison": {sealed(good), "200"},
	} {
		if a := env.call("POST", path, wechatToken, c.body); outcome(a) != c.want {
			t.Errorf("%s: want %s, got %v", name, c.want, a)
		}
	}
}

func TestAStaleSessionKeyIsReported(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("alice")
	alice := env.user("alice")
	path := "/api/users/" + app + "/" + alice.OpenID
	alice.RotateSessionKey()
	if a := env.call("POST", path+"/decrypt", wechatToken, sealed(alice.Encrypt(nil, time.Time{}))); outcome(a) != "401 session_key_stale" {
		t.Errorf("data under a newer key: %v", a)
	}
	env.login("alice") // the newest session's key is used
	if a := env.call("POST", path+"/decrypt", wechatToken, sealed(alice.Encrypt(nil, time.Time{}))); a.Status != http.StatusOK {
		t.Errorf("after a login: %v", a)
	}
	env.call("DELETE", path+"/sessions", adminToken, "")
	for _, call := range []string{"/decrypt", "/sign"} {
		body := `{"message":"x","encrypted_data":"AA==","iv":"AA=="}`
		if a := env.call("POST", path+call, wechatToken, body); outcome(a) != "404 not_found" {
			t.Errorf("%s of a user without a session: %v", call, a)
		}
	}
}

// The vector is WeChat's own:
// https://developers.weixin.qq.com/minigame/en/dev/tutorial/open-ability/http-signature.html
func TestAMessageIsSignedAsWeChatDoes(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	_, s, _, err := env.sessions.Login(t.Context(), session.Login{AppID: app, OpenID: "vector", SessionKey: "o0q0otL8aEzpcZL/FT9WsQ=="})
	testkit.Must(t, err)
	path := "/api/users/" + app + "/" + s.OpenID + "/sign"
	for message, want := range map[string]string{
		`{\"foo\":\"bar\"}`: "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b",
	} {
		var got struct{ Signature string }
		a := env.call("POST", path, wechatToken, `{"message":"`+message+`"}`)
		a.JSON(t, &got)
		if a.Status != http.StatusOK || got.Signature != want {
			t.Errorf("%q: want %s, got %v", message, want, a)
		}
	}
	env.checkAudited("sign", "orders", "vector")
	for body, want := range map[string]string{
		"": "400 bad_request", `{"message":""}`: "400 bad_request", "{}": "400 bad_request", `{"message":null}`: "400 bad_request", `{"message":7}`: "400 bad_request",
		`{"message":"` + strings.Repeat("x", 2<<20) + `"}`: "413 body_too_large",
	} {
		if a := env.call("POST", path, wechatToken, body); outcome(a) != want {
			t.Errorf("%.40q: want %s, got %v", body, want, a)
		}
	}
	if a := env.call("POST", "/api/users/"+otherApp+"/vector/sign", wechatToken, `{"message":"x"}`); outcome(a) != "404 not_found" {
		t.Errorf("at another app: %v", a)
	}
}
