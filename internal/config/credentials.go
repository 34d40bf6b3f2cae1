package config

import "slices"

// Values of routes[].credentials.
const (
	CredentialBearer = "bearer"
	CredentialCookie = "cookie"
)

func (v *validator) checkCredentials(key string, route *Route) {
	for i, credential := range route.Credentials {
		if credential != CredentialBearer && credential != CredentialCookie {
			v.errorf(at(key, i), "%s is not one of bearer, cookie%s", Quote(credential), DidYouMean(credential, []string{CredentialBearer, CredentialCookie}))
		}
	}
	distinct(v, key, route.Credentials)
	if !slices.Contains(route.Credentials, CredentialBearer) {
		v.errorf(key, "lacks bearer: write [bearer] or [bearer, cookie]")
	}
	if !slices.Contains(route.Credentials, CredentialCookie) {
		return
	}
	switch {
	case v.Web.Cookie == "":
		v.errorf(key, "cookie needs web.cookie, which is not set")
	case route.Auth == "none":
		v.errorf(key, "cookie needs auth: required or optional")
	}
	if route.Cookies == "pass" {
		v.warnf(key, "cookies: pass stores the backend's own cookies in the browser, which sends them for the next user too: write cookies: jar")
	}
}
