package wechattest

import "encoding/json"

// phoneNumber handles getuserphonenumber. WeChat documents that a wrong openid is an
// error, but not its errcode; 40003 is assumed.
func (s *Server) phoneNumber(r *request) response {
	var params struct {
		Code   string `json:"code"`
		OpenID string `json:"openid"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	c, ok := s.findCode(params.Code, phoneCode)
	switch {
	case params.Code == "":
		return failure(41008, "missing code")
	case !ok || c.used:
		return failure(40029, "invalid code")
	case c.user.app != r.app:
		return failure(40013, "invalid appid")
	case params.OpenID != "" && params.OpenID != c.user.OpenID:
		return failure(40003, "invalid openid")
	}
	c.used = true
	info := phoneInfo(c.user.phone)
	info["watermark"] = watermark(r.app.ID, s.now())
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "phone_info": info})
}

// phoneInfo is a phone number as WeChat encodes it.
func phoneInfo(number string) map[string]any {
	return map[string]any{"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}
}
