package wechattest

import "net/url"

// jscode2session exchanges a login code. It reads the query alone: a POST with
// its parameters in the body gets 41002. Success has no errcode.
func (s *Server) jscode2session(x *exchange) answer {
	if a, ok := s.checkSecret(x, x.query); !ok {
		return a
	}
	text := x.query.Get("js_code")
	switch {
	case text == "":
		return refuse(41008, "missing code")
	case x.query.Get("grant_type") != "authorization_code":
		return refuse(40002, "invalid grant_type")
	}
	c, ok := s.valid(text, loginCode)
	if !ok || c.user.app != x.app {
		return refuse(40029, "invalid code")
	}
	return s.login(c)
}

func (s *Server) login(c *code) answer {
	u := c.user
	switch {
	case u.tooManyLogins(s.now(), s.perMinute):
		return refuse(45011, "api minute-quota reach limit mustslower retry next minute")
	case c.used:
		return refuse(40163, "code been used")
	case u.blocked:
		return refuse(40226, "code blocked")
	}
	c.used = true
	got := map[string]any{"openid": u.OpenID, "session_key": u.key}
	if u.UnionID != "" {
		got["unionid"] = u.UnionID
	}
	return succeed(got)
}

// checkSecret finds the app by appid and secret.
func (s *Server) checkSecret(x *exchange, from url.Values) (answer, bool) {
	id, secret := from.Get("appid"), from.Get("secret")
	switch {
	case id == "":
		return refuse(41002, "appid missing"), false
	case secret == "":
		return refuse(41004, "appsecret missing"), false
	case s.apps[id] == nil:
		return refuse(40013, "invalid appid"), false
	}
	x.app = s.apps[id]
	switch {
	case x.app.Frozen:
		return refuse(40243, "AppSecret has been frozen, please unfreeze it in mp platform"), false
	case x.app.Secret != secret:
		return refuse(40125, "invalid appsecret"), false
	}
	return answer{}, true
}
