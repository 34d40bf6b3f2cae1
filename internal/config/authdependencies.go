package config

// checkAuthDependencies refuses settings that need an authenticated user on a route
// that may have none.
func (v *validator) checkAuthDependencies(key string, route *Route) {
	if route.Auth != "required" && (route.Require.Phone || len(route.Require.Roles) > 0) {
		v.errorf(key+".require", "needs auth: required")
	}
	if route.Auth == "none" && route.Cookies == "jar" {
		v.errorf(key+".cookies", "jar needs auth: required or optional: the cookies are stored with the session")
	}
	if route.Auth == "none" && route.Balance == "hash_openid" {
		v.errorf(key+".balance", "hash_openid needs auth: required or optional")
	}
}
