package wechat_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wxgate/secret"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

const checksession = "/wxa/checksession"

func TestPublishedOpenDataDecrypts(t *testing.T) {
	t.Parallel()
	v := readVectors(t).OpenData
	at := time.Unix(v.Timestamp, 0)
	srv := httptest.NewServer(respondWith(`{"errcode":0,"errmsg":"ok"}`)) // the key is current
	defer srv.Close()
	for age, want := range map[time.Duration]error{
		0:                           nil,
		5 * time.Minute:             nil,
		-time.Minute:                nil,
		5*time.Minute + time.Second: wechat.ErrBadData,
		-time.Minute - time.Second:  wechat.ErrBadData,
		24 * time.Hour:              wechat.ErrBadData,
	} {
		c := newClient(t, settings{Base: srv.URL, Tokens: fixedToken{"T1"}, Now: func() time.Time { return at.Add(age) }})
		got, err := c.OpenData(t.Context(), v.AppID, "o1", v.SessionKey, v.EncryptedData, v.IV)
		if !errors.Is(err, want) {
			t.Errorf("aged %v: %v", age, err)
		}
		if err == nil && string(got) != v.Plain {
			t.Errorf("got %s", got)
		}
	}
}

func TestSpacesInBase64ArePlusSigns(t *testing.T) {
	t.Parallel()
	v := readVectors(t).OpenData
	c := newClient(t, settings{Base: "http://wechat.invalid", Now: func() time.Time { return time.Unix(v.Timestamp, 0) }})
	data := strings.ReplaceAll(v.EncryptedData, "+", " ")
	if data == v.EncryptedData {
		t.Fatal("the vector has no +")
	}
	if _, err := c.OpenData(t.Context(), v.AppID, "o1", v.SessionKey, data, v.IV); err != nil {
		t.Error(err)
	}
}

func TestOpenDataOfTheSimulatorDecrypts(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	s := u.EncryptPhone()
	data, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV)
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ PhoneNumber string }
	if err := json.Unmarshal(data, &p); err != nil || p.PhoneNumber != u.Phone() {
		t.Errorf("got %s, %v", data, err)
	}
}

// encryptPadded encrypts text, filled with spaces to whole blocks, and this padding.
func encryptPadded(t *testing.T, key secret.Text, text, padding string) wechattest.OpenData {
	t.Helper()
	return encryptBlocks(t, key, text+strings.Repeat(" ", (16-len(text)%16)%16)+padding)
}

// encryptText encrypts text with correct padding.
func encryptText(t *testing.T, key, text string) wechattest.OpenData {
	t.Helper()
	n := 16 - len(text)%16
	return encryptBlocks(t, secret.Text(key), text+strings.Repeat(string(rune(n)), n))
}

func encryptBlocks(t *testing.T, key secret.Text, blocks string) wechattest.OpenData {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte(blocks)
	iv := make([]byte, 16)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return wechattest.OpenData{EncryptedData: base64.StdEncoding.EncodeToString(data), IV: base64.StdEncoding.EncodeToString(iv)}
}

var paddingBlock = strings.Repeat("\x10", 16) // of padding

func TestEveryInvalidOpenDataHasTheSameError(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	good := u.EncryptPhone()
	marked := func(appid string) string {
		return fmt.Sprintf(`{"watermark":{"timestamp":%d,"appid":%q}}`, env.Now().Unix(), appid)
	}
	b64 := base64.StdEncoding.EncodeToString
	other, err := env.sim.User(appID, "mallory")
	if err != nil {
		t.Fatal(err)
	}
	other.Code()
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, good.EncryptedData, good.IV); err != nil {
		t.Fatal(err)
	}
	control := encryptPadded(t, key, marked(appID), paddingBlock)
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, control.EncryptedData, control.IV); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]openDataArgs{
		"all empty":           {"", "", ""},
		"no data":             {key, "", good.IV},
		"no iv":               {key, good.EncryptedData, ""},
		"no key":              {"", good.EncryptedData, good.IV},
		"data not base64":     {key, "*" + good.EncryptedData, good.IV},
		"iv not base64":       {key, good.EncryptedData, "*"},
		"key not base64":      {"*", good.EncryptedData, good.IV},
		"half a block":        {key, b64(make([]byte, 24)), good.IV},
		"short iv":            {key, good.EncryptedData, b64(make([]byte, 15))},
		"long iv":             {key, good.EncryptedData, b64(make([]byte, 32))},
		"short key":           {secret.Text(b64(make([]byte, 15))), good.EncryptedData, good.IV},
		"AES-256 key":         {secret.Text(b64(make([]byte, 32))), good.EncryptedData, good.IV},
		"too long":            {key, b64(make([]byte, 64<<10+16)), good.IV},
		"another user's data": {key, other.EncryptPhone().EncryptedData, good.IV},
		"old":                 argsOf(key, u.Encrypt(nil, env.Now().Add(-6*time.Minute))),
		"in the future":       argsOf(key, u.Encrypt(nil, env.Now().Add(2*time.Minute))),
		"another app's":       argsOf(key, encryptPadded(t, key, marked("wxother"), paddingBlock)),
		"no watermark":        argsOf(key, encryptPadded(t, key, `{"phoneNumber":"1"}`, paddingBlock)),
		"watermark a string":  argsOf(key, encryptPadded(t, key, `{"watermark":"x"}`, paddingBlock)),
		"padding of 0":        argsOf(key, encryptPadded(t, key, marked(appID), strings.Repeat("\x00", 16))),
		"padding of 17":       argsOf(key, encryptPadded(t, key, marked(appID), strings.Repeat("\x11", 16))),
		"padding unequal":     argsOf(key, encryptPadded(t, key, marked(appID), strings.Repeat(" ", 14)+"\x01\x02")),
		"only padding":        argsOf(key, encryptPadded(t, key, "", paddingBlock)),
		"an array":            argsOf(key, encryptPadded(t, key, "[1,2,3]", paddingBlock)),
		"not JSON":            argsOf(key, encryptPadded(t, key, "watermark", paddingBlock)),
	} {
		got, err := env.client.OpenData(t.Context(), appID, u.OpenID, c.key, c.data, c.iv)
		if err != wechat.ErrBadData || got != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

type openDataArgs struct {
	key      secret.Text
	data, iv string
}

func argsOf(key secret.Text, s wechattest.OpenData) openDataArgs {
	return openDataArgs{key, s.EncryptedData, s.IV}
}

// With a changed byte, the padding, the JSON or only the watermark is invalid. The error is
// the same.
func TestChangedOpenDataIsRefused(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	s := u.Encrypt(nil, time.Time{})
	data, _ := base64.StdEncoding.DecodeString(s.EncryptedData)
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 0x01
		_, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, base64.StdEncoding.EncodeToString(changed), s.IV)
		if err != wechat.ErrBadData {
			t.Errorf("byte %d of %d: %v", i, len(data), err)
		}
	}
}

func TestOpenDataUnderANewerKeyIsStale(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	u.RotateSessionKey()
	s := u.EncryptPhone()
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("got %v", err)
	}
	// With one wrong key in 256, the plaintext ends like valid padding.
	s = encryptPadded(t, key, "no JSON", paddingBlock)
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("with valid padding: %v", err)
	}
	raw, signature := u.RawData()
	if err := env.client.VerifyRawData(t.Context(), appID, u.OpenID, key, raw, signature); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("raw data: %v", err)
	}
}

// Malformed data must not cause a call of WeChat: clients can send any amount of it.
func TestMalformedDataMakesNoCall(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	_, _ = env.client.OpenData(t.Context(), appID, u.OpenID, key, "AAAA", "AAAA")
	_ = env.client.VerifyRawData(t.Context(), appID, u.OpenID, key, "{}", "no signature")
	if n := env.sim.Count(checksession); n != 0 {
		t.Errorf("%d calls of WeChat", n)
	}
}

func TestOpenDataIsUnavailableWhereTheKeyCannotBeChecked(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	u.RotateSessionKey()
	s := u.EncryptPhone()
	env.sim.AddFault(wechattest.Fault{Status: 500})
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV); !errors.Is(err, wechat.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
