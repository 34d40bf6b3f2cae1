package wechattest

// checkSession handles /wxa/checksession.
func (s *Server) checkSession(r *request) response {
	if res, ok := s.checkSignature(r); !ok {
		return res
	}
	return success()
}

// resetSessionKey handles /wxa/resetusersessionkey.
func (s *Server) resetSessionKey(r *request) response {
	if res, ok := s.checkSignature(r); !ok {
		return res
	}
	u := r.app.userByOpenID(r.query.Get("openid"))
	u.key = newSessionKey()
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "openid": u.OpenID, "session_key": u.key})
}

// checkSignature checks that the call is signed with the user's current session key. If
// ok is false, res is the error.
func (s *Server) checkSignature(r *request) (res response, ok bool) {
	u := r.app.userByOpenID(r.query.Get("openid"))
	switch {
	case u == nil:
		return failure(40003, "invalid openid"), false
	case r.query.Get("sig_method") != "hmac_sha256":
		return failure(87008, "invalid sig_method"), false
	case !u.validSignature(r.query.Get("signature")):
		return failure(87009, "invalid signature"), false
	}
	return response{}, true
}
