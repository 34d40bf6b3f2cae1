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
	srv := httptest.NewServer(saying(`{"errcode":0,"errmsg":"ok"}`)) // the key is in force
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

func TestPlusThatBecameASpaceIsPutBack(t *testing.T) {
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

// sealed encrypts text, which spaces make a number of whole blocks, and a last
// block that should be its padding.
func sealed(t *testing.T, key secret.Text, text, padding string) wechattest.Sealed {
	t.Helper()
	return encrypted(t, key, text+strings.Repeat(" ", (16-len(text)%16)%16)+padding)
}

// sealedText encrypts text with proper padding.
func sealedText(t *testing.T, key, text string) wechattest.Sealed {
	t.Helper()
	n := 16 - len(text)%16
	return encrypted(t, secret.Text(key), text+strings.Repeat(string(rune(n)), n))
}

func encrypted(t *testing.T, key secret.Text, blocks string) wechattest.Sealed {
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
	return wechattest.Sealed{EncryptedData: base64.StdEncoding.EncodeToString(data), IV: base64.StdEncoding.EncodeToString(iv)}
}

var wholeBlock = strings.Repeat("\x10", 16) // of padding

func TestBadOpenDataIsOneError(t *testing.T) {
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
	control := sealed(t, key, marked(appID), wholeBlock)
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, control.EncryptedData, control.IV); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]given{
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
		"old":                 open(key, u.Encrypt(nil, env.Now().Add(-6*time.Minute))),
		"of the future":       open(key, u.Encrypt(nil, env.Now().Add(2*time.Minute))),
		"another app's":       open(key, sealed(t, key, marked("wxother"), wholeBlock)),
		"no watermark":        open(key, sealed(t, key, `{"phoneNumber":"1"}`, wholeBlock)),
		"watermark a string":  open(key, sealed(t, key, `{"watermark":"x"}`, wholeBlock)),
		"padding of 0":        open(key, sealed(t, key, marked(appID), strings.Repeat("\x00", 16))),
		"padding of 17":       open(key, sealed(t, key, marked(appID), strings.Repeat("\x11", 16))),
		"padding unequal":     open(key, sealed(t, key, marked(appID), strings.Repeat(" ", 14)+"\x01\x02")),
		"only padding":        open(key, sealed(t, key, "", wholeBlock)),
		"an array":            open(key, sealed(t, key, "[1,2,3]", wholeBlock)),
		"not JSON":            open(key, sealed(t, key, "watermark", wholeBlock)),
	} {
		got, err := env.client.OpenData(t.Context(), appID, u.OpenID, c.key, c.data, c.iv)
		if err != wechat.ErrBadData || got != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

type given struct {
	key      secret.Text
	data, iv string
}

func open(key secret.Text, s wechattest.Sealed) given { return given{key, s.EncryptedData, s.IV} }

// Every byte flipped: where padding breaks, where the JSON breaks and where only
// the watermark does, the answer is the same.
func TestChangedOpenDataNeverPasses(t *testing.T) {
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

func TestOpenDataAfterAKeyRotationIsStale(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	u.RotateKey()
	s := u.EncryptPhone()
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("got %v", err)
	}
	// One wrong key in 256 gives what looks like padding.
	s = sealed(t, key, "no JSON", wholeBlock)
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("with proper padding: %v", err)
	}
	raw, signature := u.RawData()
	if err := env.client.VerifyRawData(t.Context(), appID, u.OpenID, key, raw, signature); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("raw data: %v", err)
	}
}

// Data of a wrong shape must not cost a call to WeChat: clients send it for free.
func TestMalformedDataDoesNotAskWeChat(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	_, _ = env.client.OpenData(t.Context(), appID, u.OpenID, key, "AAAA", "AAAA")
	_ = env.client.VerifyRawData(t.Context(), appID, u.OpenID, key, "{}", "no signature")
	if n := env.sim.Count(checksession); n != 0 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

func TestStaleOrBadCannotBeToldWithoutWeChat(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	u.RotateKey()
	s := u.EncryptPhone()
	env.sim.AddFault(wechattest.Fault{Status: 500})
	if _, err := env.client.OpenData(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV); !errors.Is(err, wechat.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
