package config

import (
	"slices"
	"strings"
)

// Words of routes[].credentials.
const (
	Bearer = "bearer"
	Cookie = "cookie"
)

// hostPrefix makes browsers accept the cookie only with Secure, with Path=/ and
// without Domain, so that no other host of the domain can set it.
const hostPrefix = "__Host-"

func (v *validator) checkWeb() {
	distinct(v, "public_origins", v.PublicOrigins)
	distinct(v, "web.origins", v.Web.Origins)
	name := v.Web.Cookie
	switch {
	case name == "":
	case !strings.HasPrefix(name, hostPrefix):
		v.errorf("web.cookie", "%s doesn't begin with %s, which keeps other hosts of the domain from setting it: write %s",
			Quote(name), hostPrefix, Quote(hostPrefix+"wxgate"))
	case len(name) == len(hostPrefix) || len(name) > 64 || !only(name, isAlphanumeric, "-_"):
		v.errorf("web.cookie", "%s is not a cookie's name: letters, digits, - and _, at most 64", Quote(name))
	case !slices.ContainsFunc(v.Routes, func(r Route) bool { return slices.Contains(r.Credentials, Cookie) }):
		v.warnf("web.cookie", "no route takes it: write credentials: [bearer, cookie] on those that pages call")
	}
}

func (v *validator) checkCredentials(key string, route *Route) {
	for i, word := range route.Credentials {
		if word != Bearer && word != Cookie {
			v.errorf(at(key, i), "%s is not one of bearer, cookie%s", Quote(word), DidYouMean(word, []string{Bearer, Cookie}))
		}
	}
	distinct(v, key, route.Credentials)
	if !slices.Contains(route.Credentials, Bearer) {
		v.errorf(key, "lacks bearer: write [bearer] or [bearer, cookie]")
	}
	if !slices.Contains(route.Credentials, Cookie) {
		return
	}
	switch {
	case v.Web.Cookie == "":
		v.errorf(key, "cookie needs web.cookie, which is not set")
	case route.Auth == "none":
		v.errorf(key, "cookie needs auth: required or optional")
	}
	if route.Cookies == "pass" {
		v.warnf(key, "cookies: pass leaves the backend's own cookies in the browser, where the next user finds them: write cookies: jar")
	}
}
