package wechattest

import "net/url"

// jscode2session exchanges a login code. It reads the query alone: a POST with
// its parameters in the body gets 41002. Success has no errcode.
func (s *Server) jscode2session(r *request) response {
	if a, ok := s.checkSecret(r, r.query); !ok {
		return a
	}
	text := r.query.Get("js_code")
	switch {
	case text == "":
		return failure(41008, "missing code")
	case r.query.Get("grant_type") != "authorization_code":
		return failure(40002, "invalid grant_type")
	}
	c, ok := s.valid(text, loginCode)
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
	got := map[string]any{"openid": u.OpenID, "session_key": u.key}
	if u.UnionID != "" {
		got["unionid"] = u.UnionID
	}
	return succeed(got)
}

// checkSecret finds the app by appid and secret.
func (s *Server) checkSecret(r *request, from url.Values) (response, bool) {
	id, secret := from.Get("appid"), from.Get("secret")
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
