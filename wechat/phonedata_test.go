package wechat_test

import (
	"encoding/base64"
	"encoding/json"
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

const checkencryptedmsg = "/wxa/business/checkencryptedmsg"

// confirmedData is open data with this plaintext, which checkencryptedmsg confirms.
func confirmedData(t *testing.T, env *testEnv, key, text string) wechattest.OpenData {
	t.Helper()
	u := env.user(t, "alice")
	s := encryptText(t, key, text)
	u.ConfirmOpenData(s)
	return s
}

func TestDecryptPhone(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	s := u.EncryptPhone()
	for name, data := range map[string]string{
		"unchanged":            s.EncryptedData,
		"+ replaced by spaces": strings.ReplaceAll(s.EncryptedData, "+", " "),
	} {
		got, err := env.client.DecryptPhone(t.Context(), appID, u.OpenID, key, data, s.IV)
		if want := (wechat.Phone{Number: u.Phone(), PureNumber: u.Phone(), CountryCode: "86"}); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// A user who knows the plaintext can write another number into AES-CBC ciphertext: a
// changed bit of a block changes the same bit of the next block. WeChat doesn't confirm
// such data.
func TestForgedPhoneNumberIsRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	u := env.user(t, "mallory")
	u.SetPhone("13800000000")
	key := env.login(t, u).SessionKey
	s := u.EncryptPhone()
	plain := fmt.Sprintf(`{"countryCode":"86","phoneNumber":"13800000000","purePhoneNumber":"13800000000","watermark":{"appid":%q,"timestamp":%d}}`, appID, env.Now().Unix())
	data, err := base64.StdEncoding.DecodeString(s.EncryptedData)
	if err != nil {
		t.Fatal(err)
	}
	forgeries := 0
	for at := 16; at < len(plain); at++ {
		if plain[at] < '0' || plain[at] > '9' {
			continue
		}
		forged := append([]byte{}, data...)
		forged[at-16] ^= plain[at] ^ '9' // this digit becomes a 9
		if plain[at] == '9' {
			forged[at-16] ^= '9' ^ '1'
		}
		forgeries++
		if p, err := env.client.DecryptPhone(t.Context(), appID, u.OpenID, key, base64.StdEncoding.EncodeToString(forged), s.IV); err != wechat.ErrBadData {
			t.Errorf("digit at %d: %+v, %v", at, p, err)
		}
	}
	if forgeries < 20 {
		t.Errorf("only %d digits were forged", forgeries)
	}
}

// checkencryptedmsg doesn't cover the iv, which changes the first 16 bytes.
func TestChangedIVOfPhoneDataIsRefused(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	s := u.EncryptPhone()
	iv, err := base64.StdEncoding.DecodeString(s.IV)
	if err != nil {
		t.Fatal(err)
	}
	for i := range iv {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			changed := append([]byte{}, iv...)
			changed[i] ^= bit
			p, err := env.client.DecryptPhone(t.Context(), appID, u.OpenID, key, s.EncryptedData, base64.StdEncoding.EncodeToString(changed))
			if err != wechat.ErrBadData {
				t.Errorf("byte %d: %+v, %v", i, p, err)
			}
		}
	}
}

// checkencryptedmsg confirms each of these, so that only parsing can refuse it.
func TestPhoneDataHasExactlyWeChatsFields(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	mark := fmt.Sprintf(`"watermark":{"timestamp":%d,"appid":%q}`, env.Now().Unix(), appID)
	const number = `"phoneNumber":"13812345678","purePhoneNumber":"13812345678","countryCode":"86"`
	for name, c := range map[string]struct{ text, want string }{
		"as WeChat writes it":          {`{` + number + `,` + mark + `}`, "13812345678"},
		"a number for countryCode":     {`{"phoneNumber":"13812345678","purePhoneNumber":"13812345678","countryCode":86,` + mark + `}`, "13812345678"},
		"with its country code":        {`{"phoneNumber":"+85291234567","purePhoneNumber":"91234567","countryCode":"852",` + mark + `}`, "+85291234567"},
		"the same without plus":        {`{"phoneNumber":"85291234567","purePhoneNumber":"91234567","countryCode":"852",` + mark + `}`, "85291234567"},
		"in another order":             {`{` + mark + `,` + number + `}`, "13812345678"},
		"numbers that disagree":        {`{"phoneNumber":"13900000000","purePhoneNumber":"13812345678","countryCode":"86",` + mark + `}`, ""},
		"a country code that is wrong": {`{"phoneNumber":"+85291234567","purePhoneNumber":"91234567","countryCode":"853",` + mark + `}`, ""},
		"a field twice":                {`{` + number + `,"phoneNumber":"13812345678",` + mark + `}`, ""},
		"a field twice, escaped":       {`{` + number + `,"phone\u004eumber":"13812345678",` + mark + `}`, ""},
		"a field in another case":      {`{"PhoneNumber":"13812345678","purePhoneNumber":"13812345678","countryCode":"86",` + mark + `}`, ""},
		"a case more":                  {`{` + number + `,"PHONENUMBER":"13900000000",` + mark + `}`, ""},
		"an unknown field":             {`{` + number + `,"x":1,` + mark + `}`, ""},
		"a field missing":              {`{"phoneNumber":"13812345678","purePhoneNumber":"13812345678",` + mark + `}`, ""},
		"null":                         {`{"phoneNumber":null,"purePhoneNumber":"13812345678","countryCode":"86",` + mark + `}`, ""},
		"no watermark":                 {`{` + number + `}`, ""},
		"two watermarks":               {`{` + number + `,` + mark + `,` + mark + `}`, ""},
		"a watermark of another app":   {fmt.Sprintf(`{%s,"watermark":{"timestamp":%d,"appid":"wxother"}}`, number, env.Now().Unix()), ""},
		"a watermark with two appids":  {fmt.Sprintf(`{%s,"watermark":{"timestamp":%d,"appid":"wxother","appid":%q}}`, number, env.Now().Unix(), appID), ""},
		"a watermark with more":        {fmt.Sprintf(`{%s,"watermark":{"timestamp":%d,"appid":%q,"x":1}}`, number, env.Now().Unix(), appID), ""},
		"an old watermark":             {fmt.Sprintf(`{%s,"watermark":{"timestamp":%d,"appid":%q}}`, number, env.Now().Add(-6*time.Minute).Unix(), appID), ""},
		"not UTF-8":                    {"{" + number + ",\"\xff\":1," + mark + "}", ""},
		"not UTF-8 in a value":         {`{"phoneNumber":"13812345678` + "\xff" + `","purePhoneNumber":"13812345678","countryCode":"86",` + mark + `}`, ""},
		"letters":                      {`{"phoneNumber":"1381234567a","purePhoneNumber":"1381234567a","countryCode":"86",` + mark + `}`, ""},
		"digits of another script":     {`{"phoneNumber":"１３８","purePhoneNumber":"１３８","countryCode":"86",` + mark + `}`, ""},
		"a control character":          {`{"phoneNumber":"138\n","purePhoneNumber":"138\n","countryCode":"86",` + mark + `}`, ""},
		"something behind it":          {`{` + number + `,` + mark + `}{}`, ""},
		"a list":                       {`[{` + number + `,` + mark + `}]`, ""},
		"cut short":                    {`{` + number + `,` + mark, ""},
		"a profile":                    {`{"nickName":"x",` + mark + `}`, ""},
		"empty":                        {``, ""},
	} {
		s := confirmedData(t, env, key.Reveal(), c.text)
		got, err := env.client.DecryptPhone(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV)
		if got.Number != c.want || (c.want == "") != (err == wechat.ErrBadData) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// The error and the calls of WeChat are the same for every fault.
func TestEveryInvalidPhoneDataMakesTheSameCalls(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	mark := fmt.Sprintf(`"watermark":{"timestamp":%d,"appid":%q}`, env.Now().Unix(), appID)
	badPadding := encryptPadded(t, key, `{`+mark+`}`, strings.Repeat("\x11", 16))
	u.ConfirmOpenData(badPadding)
	unknown := encryptPadded(t, key, `{`+mark+`}`, paddingBlock)
	for name, s := range map[string]wechattest.OpenData{
		"unknown to WeChat": unknown,
		"wrong padding":     badPadding,
		"no JSON":           confirmedData(t, env, key.Reveal(), "no JSON"),
		"another kind":      confirmedData(t, env, key.Reveal(), `{"nickName":"x",`+mark+`}`),
		"old":               u.Encrypt(map[string]any{"phoneNumber": "1", "purePhoneNumber": "1", "countryCode": "86"}, env.Now().Add(-time.Hour)),
	} {
		checks, sessions := env.sim.Count(checkencryptedmsg), env.sim.Count(checksession)
		_, err := env.client.DecryptPhone(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV)
		if err != wechat.ErrBadData || env.sim.Count(checkencryptedmsg)-checks != 1 || env.sim.Count(checksession)-sessions != 1 {
			t.Errorf("%s: %v after %d and %d calls", name, err, env.sim.Count(checkencryptedmsg)-checks, env.sim.Count(checksession)-sessions)
		}
	}
}

func TestPhoneUnderANewerKeyIsStale(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	u.RotateSessionKey()
	s := u.EncryptPhone()
	if _, err := env.client.DecryptPhone(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV); !errors.Is(err, wechat.ErrKeyStale) {
		t.Errorf("got %v", err)
	}
}

func TestPhoneDataIsRefusedWithoutWeChatsConfirmation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault wechattest.Fault
		want  error
	}{
		"no response":    {wechattest.Fault{API: checkencryptedmsg, Drop: true}, wechat.ErrUnavailable},
		"a page of HTML": {wechattest.Fault{API: checkencryptedmsg, Status: 200, Body: "<html>"}, wechat.ErrUnavailable},
		"busy":           {wechattest.Fault{API: checkencryptedmsg, Errcode: -1}, wechat.ErrUnavailable},
		"quota":          {wechattest.Fault{API: checkencryptedmsg, Errcode: 45009}, wechat.ErrUnavailable},
		"too often":      {wechattest.Fault{API: checkencryptedmsg, Errcode: 45011}, wechat.ErrRateLimited},
		"not authorised": {wechattest.Fault{API: checkencryptedmsg, Errcode: 48001}, wechat.ErrMisconfigured},
		"not WeChat's":   {wechattest.Fault{API: checkencryptedmsg, Body: `{"errcode":0,"errmsg":"ok","vaild":false}`}, wechat.ErrBadData},
		"no field":       {wechattest.Fault{API: checkencryptedmsg, Body: `{"errcode":0,"errmsg":"ok"}`}, wechat.ErrBadData},
		"spelled valid":  {wechattest.Fault{API: checkencryptedmsg, Body: `{"errcode":0,"errmsg":"ok","valid":true}`}, wechat.ErrBadData},
	} {
		env, u, key := loggedIn(t)
		env.sim.AddFault(c.fault)
		s := u.EncryptPhone()
		if p, err := env.client.DecryptPhone(t.Context(), appID, u.OpenID, key, s.EncryptedData, s.IV); !errors.Is(err, c.want) || p != (wechat.Phone{}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/checkEncryptedData.html
func TestPublishedEncryptedDataHash(t *testing.T) {
	t.Parallel()
	var v struct {
		Data     string          `json:"encrypted_data"`
		Hash     string          `json:"encrypted_msg_hash"`
		Response json.RawMessage `json:"response"`
	}
	text, err := os.ReadFile("testdata/checkencryptedmsg.json")
	if err != nil || json.Unmarshal(text, &v) != nil {
		t.Fatal(err)
	}
	var sent struct {
		Hash string `json:"encrypted_msg_hash"`
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == checkencryptedmsg {
			_ = json.NewDecoder(r.Body).Decode(&sent)
			_, _ = w.Write(v.Response)
			return
		}
		respondWith(`{"errcode":0,"errmsg":"ok"}`)(w, r)
	}))
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL, Tokens: fixedToken{"T1"}})
	iv := base64.StdEncoding.EncodeToString(make([]byte, 16))
	if _, err := c.DecryptPhone(t.Context(), appID, "o1", "tiihtNczf5v6AKRyjwEUhQ==", v.Data, iv); err != wechat.ErrBadData {
		t.Errorf("under another key: %v", err)
	}
	if sent.Hash != v.Hash {
		t.Errorf("sent %s, want %s", sent.Hash, v.Hash)
	}
}
