package config

func (v *validator) checkSessions() {
	session, token := v.Session, v.Token
	if session.IdleTimeout > session.MaxLifetime {
		v.errorf("session.idle_timeout", "%v is more than session.max_lifetime, %v", session.IdleTimeout, session.MaxLifetime)
	}
	if token.RenewBefore >= token.TTL {
		v.warnAt(v.line("token.renew_before"), "token.renew_before", "%v is not less than token.ttl, %v: every token is due for renewal at once", token.RenewBefore, token.TTL)
	}
	if token.Issuer == "" || len(token.Issuer) > 128 || !only(token.Issuer, isVisible, "") {
		v.errorf("token.issuer", "%s is not a name of 1 to 128 visible ASCII characters", Quote(token.Issuer))
	}
}
