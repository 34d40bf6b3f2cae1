package config

import (
	"slices"
	"strings"
)

// hostPrefix makes browsers accept the cookie only with Secure, with Path=/ and
// without Domain, so that no other host of the domain can set it (RFC 6265bis,
// section 4.1.3.2).
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
		v.errorf("web.cookie", "%s is not a cookie name: at most 64 letters, digits, - and _", Quote(name))
	case !slices.ContainsFunc(v.Routes, func(r Route) bool { return slices.Contains(r.Credentials, CredentialCookie) }):
		v.warnf("web.cookie", "no route accepts it: write credentials: [bearer, cookie] on the routes that pages call")
	}
}
