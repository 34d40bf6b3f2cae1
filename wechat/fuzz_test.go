package wechat

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"wxgate/secret"
)

func FuzzOpenData(f *testing.F) {
	v := readVectorFile[struct {
		OpenData struct {
			Key  secret.Text `json:"session_key"`
			Data string      `json:"encrypted_data"`
			IV   string      `json:"iv"`
		} `json:"open_data"`
	}](f, "testdata/vectors.json")
	f.Add(v.OpenData.Key.Reveal(), v.OpenData.Data, v.OpenData.IV)
	f.Add(v.OpenData.Key.Reveal(), "AAAA", "AAAA")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, key, data, iv string) {
		s, err := parseCiphertext(secret.Text(key), data, iv)
		if err != nil {
			return
		}
		plain, padded := s.decrypt()
		if padded == (len(plain) == len(s.data)) {
			t.Errorf("%q from %d bytes, padded: %v", plain, len(s.data), padded)
		}
		_ = hasValidWatermark(plain, "wx", time.Unix(0, 0))
	})
}

func FuzzPhoneData(f *testing.F) {
	for _, s := range []string{
		`{"phoneNumber":"138","purePhoneNumber":"138","countryCode":"86","watermark":{"timestamp":1,"appid":"wx"}}`,
		`{"phoneNumber":"+852138","purePhoneNumber":"138","countryCode":852,"watermark":{"timestamp":"1","appid":"wx"}}`,
		`{"phoneNumber":"138","phoneNumber":"139"}`, `{`, `[]`, `{}{}`, "{\"\xff\":1}", `{"a":`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, _, ok := parsePhoneData(text)
		if !ok {
			return
		}
		var decoded map[string]any
		if json.Unmarshal(text, &decoded) != nil || len(decoded) != 4 || decoded["phoneNumber"] != p.Number || decoded["purePhoneNumber"] != p.PureNumber {
			t.Errorf("%+v from %q", p, text)
		}
		if !strings.HasSuffix(p.Number, p.PureNumber) || len(p.Number) > maxPhone || !isDigits(p.CountryCode) {
			t.Errorf("%+v from %q", p, text)
		}
	})
}

func FuzzUnpad(f *testing.F) {
	f.Add([]byte("0123456789abcde\x01"))
	f.Add([]byte("\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10"))
	f.Add([]byte{0})
	f.Add([]byte{0, 16})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		text, ok := unpad(b, 16)
		if ok && (len(b)-len(text) < 1 || len(b)-len(text) > 16 || len(b)-len(text) != int(b[len(b)-1])) {
			t.Errorf("%d of %d bytes left", len(text), len(b))
		}
	})
}

func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		`{"openid":"o1","session_key":"a2V5","unionid":"u1"}`, `{"errcode":"40029","errmsg":"invalid code"}`,
		`{"errcode":-1}`, `{}`, `[]`, `null`, `<html>`, `{"openid":"o\r\n","session_key":"x"}`, `{"errcode":1e3}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got loginResponse
		err := decode(apiCall{api: apiLogin}, body, &got)
		if err != nil || !got.valid() {
			return
		}
		for _, text := range []string{got.OpenID, got.SessionKey, got.UnionID} {
			for _, r := range text {
				if unicode.IsControl(r) {
					t.Errorf("%q", text)
				}
			}
		}
		if got.OpenID == "" || got.SessionKey == "" || len(got.OpenID) > 128 {
			t.Errorf("%+v", got)
		}
	})
}

func FuzzReplaceAccessToken(f *testing.F) {
	for _, s := range []string{"", "access_token=x", "access%5Ftoken=x&a=b", "&&", "a=%zz", "%61ccess_token"} {
		f.Add(s)
	}
	token := apiCall{}.withAccessToken("T&1").query
	f.Fuzz(func(t *testing.T, query string) {
		got := replaceAccessToken(query, token)
		values, _ := url.ParseQuery(got)
		if all := values["access_token"]; len(all) != 1 || all[0] != "T&1" {
			t.Errorf("%q: %q", query, all)
		}
	})
}
