package wechat

import (
	"context"

	"wxgate/secret"
)

// Phone is a user's phone number.
type Phone struct {
	Number      string // with the country code, unless that is 86
	PureNumber  string // without the country code
	CountryCode string // digits, such as 86
}

const maxPhone = 32 // bytes of each part; E.164 has 15 digits

// phoneInfo is a phone number as WeChat encodes it in responses and in open data.
type phoneInfo struct {
	Number      string         `json:"phoneNumber"`
	PureNumber  string         `json:"purePhoneNumber"`
	CountryCode stringOrNumber `json:"countryCode"`
}

// phone returns the number, and whether each part is a validText.
func (i phoneInfo) phone() (Phone, bool) {
	got := Phone{Number: i.Number, PureNumber: i.PureNumber, CountryCode: string(i.CountryCode)}
	ok := validText(got.Number, maxPhone) && validText(got.PureNumber, maxPhone) && validText(got.CountryCode, maxPhone)
	return got, ok
}

// Phone exchanges the code of the phone button (getuserphonenumber). It sends the openid
// with the code, so that WeChat refuses another user's code. A code works once and for
// five minutes. Errors: as Login.
func (c *Client) Phone(ctx context.Context, appid, openid, code string) (Phone, error) {
	a, err := c.app(appid)
	if err != nil {
		return Phone{}, err
	}
	if !ValidCode(code) {
		return Phone{}, ErrBadCode
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	call := apiCall{
		api: apiPhone, bulkhead: bulkheadAPI, user: openid, singleUse: true, secrets: []secret.Text{secret.Text(code)},
		body: map[string]string{"code": code, "openid": openid},
	}
	var got struct {
		Info phoneInfo `json:"phone_info"`
	}
	if err := c.doWithToken(ctx, a, call, &got); err != nil {
		return Phone{}, err
	}
	p, ok := got.Info.phone()
	if !ok {
		return Phone{}, malformedResponse(call)
	}
	return p, nil
}
