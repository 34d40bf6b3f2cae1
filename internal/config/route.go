package config

import (
	"strings"

	"wxgate/internal/httprule"
)

func (v *validator) checkRoutes() {
	nonEmpty(v, "routes", v.Routes)
	for i := range v.Routes {
		route := &v.Routes[i]
		route.Host = strings.ToLower(route.Host)
		v.checkRoute(at("routes", i), route)
	}
	v.checkAmbiguousRoutes()
	v.nameRoutes()
}

func (v *validator) checkRoute(key string, route *Route) {
	v.checkRoutePath(key+".path", route.Path)
	v.checkRouteHost(key+".host", route.Host)
	v.checkMethods(key+".methods", route.Methods)
	v.checkUpstreams(key+".upstreams", route.Upstreams)
	v.checkWebSocket(key+".websocket", route)
	v.checkPrefixes(key, route)
	v.validateRequirements(key, route)
	v.checkCredentials(key+".credentials", route)
	v.checkProof(key, route)
	if route.Health.Path != "" {
		v.checkHealthPath(key+".health.path", route.Health.Path)
	}
	v.checkRequestHeaders(key+".request_headers", route.RequestHeaders)
	v.checkResponseHeaders(key+".response_headers", route.ResponseHeaders, len(route.CORS.Origins) > 0)
	v.checkCORSOrigins(key+".cors.origins", route.CORS.Origins)
	if !only(route.Name, isPrintable, "") || len(route.Name) > 128 {
		v.errorf(key+".name", "%s is not a name of at most 128 printable characters", Quote(route.Name))
	}
	if httprule.ReservedRouteName(route.Name) {
		v.errorf(key+".name", "%s is reserved: an assertion of that name is for another purpose than a route", Quote(route.Name))
	}
}

func (v *validator) checkRoutePath(key, path string) {
	switch err := httprule.CheckConfigPath(path); {
	case strings.Contains(path, "*"):
		v.errorf(key, "%s has a *: a path takes in everything below it as it is, /api/ means /api and /api/x", Quote(path))
	case err != nil:
		v.errorf(key, "%s %v", Quote(path), err)
	case httprule.PathWithin(path, v.AuthPrefix) && !v.hasProblem("auth_prefix"):
		v.errorf(key, "%s lies in auth_prefix %s, which the gateway answers itself", Quote(path), Quote(v.AuthPrefix))
	case httprule.PathWithin(path, httprule.JWKSPath):
		v.errorf(key, "%s is answered by the gateway itself", Quote(path))
	}
}

func (v *validator) checkRouteHost(key, host string) {
	if host != "" && !httprule.ValidRouteHost(host) {
		v.errorf(key, "%s is not a host such as shop.example.com or *.example.com (no port)", Quote(host))
	}
}

func (v *validator) checkMethods(key string, methods []string) {
	for i, method := range methods {
		switch {
		case httprule.NeverForwarded(method):
			v.errorf(at(key, i), "%s is never forwarded", method)
		case !httprule.ValidMethod(method):
			v.errorf(at(key, i), "%s is no method: they are written in capitals, such as %s", Quote(method), strings.Join(httprule.DefaultMethods(), ", "))
		}
	}
	distinct(v, key, methods)
}

// checkPrefixes requires strip_prefix to be the route's path or what stands in front
// of it: anything else would strip nothing.
func (v *validator) checkPrefixes(key string, route *Route) {
	if route.StripPrefix != "" {
		v.checkPrefix(key+".strip_prefix", route.StripPrefix)
		if !httprule.PathWithin(route.Path, route.StripPrefix) {
			v.errorf(key+".strip_prefix", "%s is not the beginning of the path %s", Quote(route.StripPrefix), Quote(route.Path))
		}
	}
	if route.AddPrefix != "" {
		v.checkPrefix(key+".add_prefix", route.AddPrefix)
	}
}

func (v *validator) checkPrefix(key, prefix string) {
	if err := httprule.CheckConfigPath(prefix); err != nil {
		v.errorf(key, "%s %v", Quote(prefix), err)
	} else if prefix == "/" {
		v.errorf(key, "/ changes nothing: leave it out")
	}
}

// validateRequirements holds together what only makes sense with a user.
func (v *validator) validateRequirements(key string, route *Route) {
	if route.Auth != "required" && (route.Require.Phone || len(route.Require.Roles) > 0) {
		v.errorf(key+".require", "needs auth: required")
	}
	if route.Auth == "none" && route.Cookies == "jar" {
		v.errorf(key+".cookies", "jar needs auth: required or optional: the jar belongs to a session")
	}
	if route.Auth == "none" && route.Balance == "hash_openid" {
		v.errorf(key+".balance", "hash_openid needs auth: required or optional")
	}
	for i, role := range route.Require.Roles {
		if !httprule.ValidRole(role) {
			v.errorf(at(key+".require.roles", i), "%s is not a role that hooks.login can give: 1 to %d bytes without control characters", Quote(role), httprule.MaxRoleBytes)
		}
	}
	distinct(v, key+".require.roles", route.Require.Roles)
	if len(route.Require.Roles) > 0 && v.Hooks.Login.URL.URL == nil {
		v.warnf(key+".require.roles", "nobody has a role: they come from hooks.login, which is not set")
	}
}

// nameRoutes names the routes that have no name: host + path, and the methods
// where they alone make the difference. Names are unique.
func (v *validator) nameRoutes() {
	plain := map[string]int{}
	for _, route := range v.Routes {
		plain[route.Host+route.Path]++
	}
	taken := map[string]string{}
	for i := range v.Routes {
		route, key := &v.Routes[i], at("routes", i)
		if route.Name == "" {
			route.Name = route.Host + route.Path
			if plain[route.Name] > 1 {
				route.Name += " " + MethodList(route.Methods)
			}
		}
		if first := taken[route.Name]; first != "" && route.Path != "" {
			v.errorf(key+".name", "%s is the name of %s too", Quote(route.Name), first)
		}
		taken[route.Name] = key
	}
}

// MethodList prints the methods of a route.
func MethodList(methods []string) string {
	if len(methods) == 0 {
		return "any"
	}
	return strings.Join(methods, ",")
}
