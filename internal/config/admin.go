package config

func (v *validator) checkAdminTokens() {
	names, tokens := map[string]bool{}, map[string]bool{}
	for i, t := range v.Admin.Tokens {
		key := at("admin.tokens", i)
		v.checkAdminToken(key, t)
		if names[t.Name] {
			v.errorf(key+".name", "%s is the name of another token too", Quote(t.Name))
		}
		if tokens[t.Token.Reveal()] {
			v.errorf(key+".token", "is the same as another's: who did what could not be told")
		}
		names[t.Name], tokens[t.Token.Reveal()] = true, true
	}
}

func (v *validator) checkAdminToken(key string, t AdminToken) {
	if t.Name == "" || len(t.Name) > 64 || !only(t.Name, isPrintable, "") {
		v.errorf(key+".name", "%s is not a name: 1 to 64 printable characters", Quote(t.Name))
	}
	token := t.Token.Reveal()
	if len(token) < 16 && token != "" {
		v.warnAt(v.line(key+".token"), key+".token", "is short: 16 characters at least are hard to guess")
	}
	if token == "" || len(token) > 512 {
		v.errorf(key+".token", "has %d characters, not 1 to 512", len(token))
	} else if !only(token, isAlphanumeric, "-._~+/=") {
		v.errorf(key+".token", "has a character that a Bearer token can't have: letters, digits and -._~+/= only")
	}
	nonEmpty(v, key+".scopes", t.Scopes)
	for i, scope := range t.Scopes {
		if scope != ScopeAdmin && scope != ScopeWeChat {
			scopes := []string{string(ScopeAdmin), string(ScopeWeChat)}
			v.errorf(at(key+".scopes", i), "%s is not one of admin, wechat%s", Quote(string(scope)), DidYouMean(string(scope), scopes))
		}
	}
	distinct(v, key+".scopes", t.Scopes)
}
