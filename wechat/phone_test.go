package wechat_test

import (
	"errors"
	"testing"
	"time"

	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

const getuserphonenumber = "/wxa/business/getuserphonenumber"

func TestPhoneByCode(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	u := env.user(t, "alice")
	got, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode())
	if want := (wechat.Phone{Number: u.Phone(), PureNumber: u.Phone(), CountryCode: "86"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAnotherUsersPhoneCodeIsRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	alice, mallory := env.user(t, "alice"), env.user(t, "mallory")
	code := alice.PhoneCode()
	if got, err := env.client.Phone(t.Context(), appID, mallory.OpenID, code); !errors.Is(err, wechat.ErrInvalidCode) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestInvalidPhoneCodes(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, func(_ *settings, o *wechattest.Options) {
		o.Apps = append(o.Apps, wechattest.App{ID: "wx2", Secret: "s2"})
	})
	u := env.user(t, "alice")
	other, err := env.sim.User("wx2", "alice")
	if err != nil {
		t.Fatal(err)
	}
	used, old := u.PhoneCode(), u.PhoneCode()
	if _, err := env.client.Phone(t.Context(), appID, u.OpenID, used); err != nil {
		t.Fatal(err)
	}
	env.Advance(6 * time.Minute)
	for name, c := range map[string]struct {
		code string
		want error
	}{
		"used":        {used, wechat.ErrInvalidCode},
		"expired":     {old, wechat.ErrInvalidCode},
		"of wx.login": {u.Code(), wechat.ErrInvalidCode},
		"another app": {other.PhoneCode(), wechat.ErrInvalidCode},
		"made up":     {"abc", wechat.ErrInvalidCode},
		"malformed":   {"a b", wechat.ErrBadCode},
		"empty":       {"", wechat.ErrBadCode},
	} {
		if _, err := env.client.Phone(t.Context(), appID, u.OpenID, c.code); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// WeChat's documentation says string; its example and its responses have a number.
func TestCountryCodeIsStringOrNumber(t *testing.T) {
	t.Parallel()
	for _, code := range []string{`"86"`, `86`} {
		env := newTestEnv(t)
		env.sim.AddFault(wechattest.Fault{API: getuserphonenumber, Body: `{"errcode":0,"phone_info":{"phoneNumber":"+85212345678","purePhoneNumber":"12345678","countryCode":` + code + `}}`})
		p, err := env.client.Phone(t.Context(), appID, "o1", "code")
		if err != nil || p.CountryCode != "86" || p.Number != "+85212345678" || p.PureNumber != "12345678" {
			t.Errorf("%s: %+v, %v", code, p, err)
		}
	}
}

func TestMalformedPhoneResponsesAreUnavailable(t *testing.T) {
	t.Parallel()
	for _, info := range []string{
		`null`, `{}`, `[]`, `"13800000000"`,
		`{"phoneNumber":"","purePhoneNumber":"","countryCode":""}`,
		`{"phoneNumber":"1380000000\r\n","purePhoneNumber":"1","countryCode":86}`,
		`{"phoneNumber":"138","purePhoneNumber":"138","countryCode":{}}`,
		`{"phoneNumber":"138","purePhoneNumber":"138","countryCode":true}`,
		`{"phoneNumber":"138"}`,
	} {
		env := newTestEnv(t)
		env.sim.AddFault(wechattest.Fault{API: getuserphonenumber, Body: `{"errcode":0,"phone_info":` + info + `}`})
		if p, err := env.client.Phone(t.Context(), appID, "o1", "code"); !errors.Is(err, wechat.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", info, p, err)
		}
	}
}
