package wechattest

import "encoding/json"

// checkSession says whether the signature is made with the session key in force.
func (s *Server) checkSession(x *exchange) answer {
	if a, ok := s.checkSignature(x); !ok {
		return a
	}
	return fine()
}

// resetSessionKey is checkSession that gives a new key.
func (s *Server) resetSessionKey(x *exchange) answer {
	if a, ok := s.checkSignature(x); !ok {
		return a
	}
	u := x.app.userByOpenID(x.query.Get("openid"))
	u.key = newSessionKey()
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "openid": u.OpenID, "session_key": u.key})
}

func (s *Server) checkSignature(x *exchange) (answer, bool) {
	u := x.app.userByOpenID(x.query.Get("openid"))
	switch {
	case u == nil:
		return refuse(40003, "invalid openid"), false
	case x.query.Get("sig_method") != "hmac_sha256":
		return refuse(87008, "invalid sig_method"), false
	case !u.signed(x.query.Get("signature")):
		return refuse(87009, "invalid signature"), false
	}
	return answer{}, true
}

// phoneNumber exchanges the code of the phone button. WeChat says that a wrong
// openid is an error but not which; 40003 is assumed.
func (s *Server) phoneNumber(x *exchange) answer {
	var asked struct {
		Code   string `json:"code"`
		OpenID string `json:"openid"`
	}
	if json.Unmarshal(x.body, &asked) != nil {
		return refuse(47001, "data format error")
	}
	c, ok := s.valid(asked.Code, phoneCode)
	switch {
	case asked.Code == "":
		return refuse(41008, "missing code")
	case !ok || c.used:
		return refuse(40029, "invalid code")
	case c.user.app != x.app:
		return refuse(40013, "invalid appid")
	case asked.OpenID != "" && asked.OpenID != c.user.OpenID:
		return refuse(40003, "invalid openid")
	}
	c.used = true
	info := phoneInfo(c.user.phone)
	info["countryCode"] = 86 // a number here, text in open data
	info["watermark"] = watermark(x.app.ID, s.now())
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "phone_info": info})
}
