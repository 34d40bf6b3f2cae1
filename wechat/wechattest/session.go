package wechattest

import "encoding/json"

// checkSession says whether the signature is made with the session key in force.
func (s *Server) checkSession(r *request) response {
	if a, ok := s.checkSignature(r); !ok {
		return a
	}
	return success()
}

// resetSessionKey is checkSession that gives a new key.
func (s *Server) resetSessionKey(r *request) response {
	if a, ok := s.checkSignature(r); !ok {
		return a
	}
	u := r.app.userByOpenID(r.query.Get("openid"))
	u.key = newSessionKey()
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "openid": u.OpenID, "session_key": u.key})
}

func (s *Server) checkSignature(r *request) (response, bool) {
	u := r.app.userByOpenID(r.query.Get("openid"))
	switch {
	case u == nil:
		return failure(40003, "invalid openid"), false
	case r.query.Get("sig_method") != "hmac_sha256":
		return failure(87008, "invalid sig_method"), false
	case !u.signed(r.query.Get("signature")):
		return failure(87009, "invalid signature"), false
	}
	return response{}, true
}

// phoneNumber exchanges the code of the phone button. WeChat says that a wrong
// openid is an error but not which; 40003 is assumed.
func (s *Server) phoneNumber(r *request) response {
	var asked struct {
		Code   string `json:"code"`
		OpenID string `json:"openid"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	c, ok := s.valid(asked.Code, phoneCode)
	switch {
	case asked.Code == "":
		return failure(41008, "missing code")
	case !ok || c.used:
		return failure(40029, "invalid code")
	case c.user.app != r.app:
		return failure(40013, "invalid appid")
	case asked.OpenID != "" && asked.OpenID != c.user.OpenID:
		return failure(40003, "invalid openid")
	}
	c.used = true
	info := phoneInfo(c.user.phone)
	info["watermark"] = watermark(r.app.ID, s.now())
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "phone_info": info})
}
