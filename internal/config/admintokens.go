package config

import (
	"slices"
	"strings"
)

// The length of an admin token, in characters. A shorter one can be guessed.
const (
	minAdminToken = 16
	maxAdminToken = 512
)

func (v *validator) checkAdminTokens() {
	names, tokens := map[string]bool{}, map[string]bool{}
	for i, t := range v.Admin.Tokens {
		key := at("admin.tokens", i)
		v.checkAdminToken(key, t)
		v.checkTokenApps(key+".apps", t.Apps)
		if names[t.Name] {
			v.errorf(key+".name", "%s is also the name of another token", Quote(t.Name))
		}
		if tokens[t.Token.Reveal()] {
			v.errorf(key+".token", "is the same as another's: the audit log couldn't distinguish their holders")
		}
		names[t.Name], tokens[t.Token.Reveal()] = true, true
	}
}

func (v *validator) checkAdminToken(key string, t AdminToken) {
	if t.Name == "" || len(t.Name) > 64 || !only(t.Name, isPrintable, "") {
		v.errorf(key+".name", "%s is not a name: 1 to 64 printable characters", Quote(t.Name))
	}
	if token := t.Token.Reveal(); len(token) < minAdminToken || len(token) > maxAdminToken {
		v.errorf(key+".token", "has %d characters, not %d to %d: `wxgate keygen` prints a random one", len(token), minAdminToken, maxAdminToken)
	} else if !only(token, isAlphanumeric, "-._~+/=") {
		v.errorf(key+".token", "has a character that a Bearer token can't have: letters, digits and -._~+/= only")
	} else if distinctBytes([]byte(token)) < minDistinctBytes {
		v.errorf(key+".token", "can be guessed: `wxgate keygen` prints a random one")
	}
	nonEmpty(v, key+".scopes", t.Scopes)
	for i, scope := range t.Scopes {
		if !slices.Contains(scopes(), string(scope)) {
			v.errorf(at(key+".scopes", i), "%s is not one of %s%s", Quote(string(scope)), strings.Join(scopes(), ", "), DidYouMean(string(scope), scopes()))
		}
	}
	distinct(v, key+".scopes", t.Scopes)
}

// checkTokenApps accepts a missing list, which means all apps. An empty list is
// refused: its author probably meant none.
func (v *validator) checkTokenApps(key string, apps []string) {
	if _, written := v.lines[key]; written {
		nonEmpty(v, key, apps)
	}
	for i, appid := range apps {
		if !slices.ContainsFunc(v.Apps, func(a App) bool { return a.AppID == appid }) {
			v.errorf(at(key, i), "%s is not an appid of apps", Quote(appid))
		}
	}
	distinct(v, key, apps)
}
