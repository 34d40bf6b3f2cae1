package wechattest_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"
)

func sign(key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestCheckSession(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	token := sim.token()
	check := func(api, openid, signature, method string) result {
		return sim.get(api, query("access_token", token, "openid", openid, "signature", signature, "sig_method", method))
	}
	sim.expect("before any login", check("/wxa/checksession", u.OpenID, sign(""), "hmac_sha256"), 87009)
	u.Code()
	sim.expect("current key", check("/wxa/checksession", u.OpenID, sign(u.SessionKey()), "hmac_sha256"), 0)
	sim.expect("unknown user", check("/wxa/checksession", "o", sign(u.SessionKey()), "hmac_sha256"), 40003)
	sim.expect("method", check("/wxa/checksession", u.OpenID, sign(u.SessionKey()), "md5"), 87008)
	old := u.SessionKey()
	s := check("/wxa/resetusersessionkey", u.OpenID, sign(old), "hmac_sha256")
	if s.text("session_key") != u.SessionKey() || s.text("openid") != u.OpenID || u.SessionKey() == old {
		t.Errorf("reset: %s", s.body)
	}
	sim.expect("after a reset", check("/wxa/checksession", u.OpenID, sign(old), "hmac_sha256"), 87009)
	sim.expect("reset by the old key", check("/wxa/resetusersessionkey", u.OpenID, sign(old), "hmac_sha256"), 87009)
}

func TestPhoneNumber(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	alice, bob := sim.user("wx1", "alice"), sim.user("wx1", "bob")
	phone := func(code, openid string) result {
		return sim.send("POST", "/wxa/business/getuserphonenumber", query("access_token", sim.token()), fmt.Sprintf(`{"code":%q,"openid":%q}`, code, openid))
	}
	alice.SetPhone("13900000000")
	code := alice.PhoneCode()
	sim.expect("another user's", phone(code, bob.OpenID), 40003)
	s := phone(code, alice.OpenID)
	info, _ := s.fields["phone_info"].(map[string]any)
	if info["purePhoneNumber"] != "13900000000" || info["countryCode"] != "86" || s.errcode() != 0 {
		t.Errorf("got %s", s.body)
	}
	if mark, _ := info["watermark"].(map[string]any); mark["appid"] != "wx1" {
		t.Errorf("got %s", s.body)
	}
	sim.expect("used", phone(code, alice.OpenID), 40029)
	sim.expect("none", phone("", alice.OpenID), 41008)
	sim.expect("of wx.login", phone(alice.Code(), alice.OpenID), 40029)
	sim.expect("another app's", phone(sim.user("wx2", "alice").PhoneCode(), ""), 40013)
	sim.expect("without openid", phone(alice.PhoneCode(), ""), 0)
	old := alice.PhoneCode()
	sim.Advance(5 * time.Minute)
	sim.expect("expired", phone(old, alice.OpenID), 40029)
}

func TestMessages(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	for body, errcode := range map[string]int{
		fmt.Sprintf(`{"touser":%q,"template_id":"T","data":{"a":{"value":"1"}}}`, u.OpenID): 0,
		`{"touser":"o","template_id":"T","data":{}}`:                                        40003,
		fmt.Sprintf(`{"touser":%q,"data":{}}`, u.OpenID):                                    40037,
		fmt.Sprintf(`{"touser":%q,"template_id":"T"}`, u.OpenID):                            47003,
		`{"touser":1}`: 47001,
	} {
		sim.expect(body, sim.send("POST", "/cgi-bin/message/subscribe/send", query("access_token", sim.token()), body), errcode)
	}
}

func TestMiniProgramCodeIsAnImage(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	code := func(scene string) result {
		return sim.send("POST", "/wxa/getwxacodeunlimit", query("access_token", sim.token()), fmt.Sprintf(`{"scene":%q}`, scene))
	}
	one, two := code("id=1"), code("id=2")
	if _, err := jpeg.Decode(strings.NewReader(one.body)); err != nil || one.contentType != "image/jpeg" {
		t.Errorf("%s, %v", one.contentType, err)
	}
	if one.body == two.body || one.body != code("id=1").body {
		t.Error("the image doesn't depend on the scene")
	}
	sim.expect("no scene", code(""), 40169)
	sim.expect("long scene", code(strings.Repeat("x", 33)), 40169)
}

// upload posts a file of that size under a field's name.
func (sim *testSimulator) upload(path, kind, field, name string, size int) result {
	sim.t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	_ = m.WriteField("note", "before the file")
	part, err := m.CreateFormFile(field, name)
	if err != nil {
		sim.t.Fatal(err)
	}
	_, _ = part.Write(make([]byte, size))
	_ = m.Close()
	url := sim.base + path + "?" + query("access_token", sim.token(), "type", kind).Encode()
	res, err := http.Post(url, m.FormDataContentType(), &form)
	if err != nil {
		sim.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return parse(res.StatusCode, body)
}

func TestUploads(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	sim.expect("image", sim.upload("/wxa/img_sec_check", "", "media", "a.png", 1<<20), 0)
	sim.expect("too big", sim.upload("/wxa/img_sec_check", "", "media", "a.png", 1<<20+1), 40006)
	sim.expect("risky", sim.upload("/wxa/img_sec_check", "", "media", "risky.png", 10), 87014)
	sim.expect("no file", sim.upload("/wxa/img_sec_check", "", "file", "a.png", 10), 41005)
	sim.expect("no form", sim.send("POST", "/wxa/img_sec_check", query("access_token", sim.token()), "x"), 41005)
	sim.expect("media", sim.upload("/cgi-bin/media/upload", "image", "media", "a.png", 10<<20), 0)
	sim.expect("media too big", sim.upload("/cgi-bin/media/upload", "image", "media", "a.png", 10<<20+1), 40009)
	sim.expect("no media", sim.upload("/cgi-bin/media/upload", "image", "file", "a.png", 1), 41005)
	sim.expect("type", sim.upload("/cgi-bin/media/upload", "video", "media", "a.png", 1), 40004)
}

func TestDataBeforeAnyLoginIsEncryptedWithARandomKey(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	if s := u.EncryptPhone(); s.EncryptedData == "" || u.SessionKey() != "" {
		t.Errorf("%+v under %q", s, u.SessionKey())
	}
}
