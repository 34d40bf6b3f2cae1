package config

func (v *validator) checkSessions() {
	session, token := v.Session, v.Token
	for i, key := range v.Secrets {
		if !key.looksRandom() {
			v.warnAt(v.line(at("secrets", i)), at("secrets", i), "does not look random: `wxgate keygen` makes a secret")
		}
	}
	if session.IdleTimeout > session.MaxLifetime {
		v.errorf("session.idle_timeout", "%v is more than session.max_lifetime, %v", session.IdleTimeout, session.MaxLifetime)
	}
	if token.RenewBefore >= token.TTL {
		v.warnAt(v.line("token.renew_before"), "token.renew_before", "%v is not less than token.ttl, %v: every token is due at once", token.RenewBefore, token.TTL)
	}
	if token.Issuer == "" || len(token.Issuer) > 128 || !only(token.Issuer, isVisible, "") {
		v.errorf("token.issuer", "%s is not a name of 1 to 128 visible ASCII characters", Quote(token.Issuer))
	}
}
