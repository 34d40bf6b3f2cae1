package wechattest

import "net/url"

// jscode2session exchanges a login code. It reads only the query: a POST with its
// parameters in the body gets 41002. A success has no errcode.
func (s *Server) jscode2session(r *request) response {
	if res, ok := s.checkSecret(r, r.query); !ok {
		return res
	}
	text := r.query.Get("js_code")
	switch {
	case text == "":
		return failure(41008, "missing code")
	case r.query.Get("grant_type") != "authorization_code":
		return failure(40002, "invalid grant_type")
	}
	c, ok := s.findCode(text, loginCode)
	if !ok || c.user.app != r.app {
		return failure(40029, "invalid code")
	}
	return s.login(c)
}

func (s *Server) login(c *code) response {
	u := c.user
	switch {
	case u.tooManyLogins(s.now(), s.perMinute):
		return failure(45011, "api minute-quota reach limit mustslower retry next minute")
	case c.used:
		return failure(40163, "code been used")
	case u.blocked:
		return failure(40226, "code blocked")
	}
	c.used = true
	fields := map[string]any{"openid": u.OpenID, "session_key": u.key}
	if u.UnionID != "" {
		fields["unionid"] = u.UnionID
	}
	return succeed(fields)
}

// checkSecret sets r.app by appid and secret. If ok is false, res is the error.
func (s *Server) checkSecret(r *request, params url.Values) (res response, ok bool) {
	id, secret := params.Get("appid"), params.Get("secret")
	switch {
	case id == "":
		return failure(41002, "appid missing"), false
	case secret == "":
		return failure(41004, "appsecret missing"), false
	case s.apps[id] == nil:
		return failure(40013, "invalid appid"), false
	}
	r.app = s.apps[id]
	switch {
	case r.app.Frozen:
		return failure(40243, "AppSecret has been frozen, please unfreeze it in mp platform"), false
	case r.app.Secret != secret:
		return failure(40125, "invalid appsecret"), false
	}
	return response{}, true
}
