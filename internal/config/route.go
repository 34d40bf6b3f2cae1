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
	v.checkAuthDependencies(key, route)
	v.checkRequiredRoles(key+".require.roles", route.Require.Roles)
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
		v.errorf(key+".name", "%s is reserved: assertions of that name have another purpose", Quote(route.Name))
	}
}

func (v *validator) checkRoutePath(key, path string) {
	switch err := httprule.CheckConfigPath(path); {
	case strings.Contains(path, "*"):
		v.errorf(key, "%s has a *: a path always includes everything below it, /api/ is /api and /api/x", Quote(path))
	case err != nil:
		v.errorf(key, "%s %v", Quote(path), err)
	case httprule.PathWithin(path, v.AuthPrefix) && !v.hasProblem("auth_prefix"):
		v.errorf(key, "%s is below auth_prefix %s, which the gateway serves itself", Quote(path), Quote(v.AuthPrefix))
	case httprule.PathWithin(path, httprule.JWKSPath):
		v.errorf(key, "%s is served by the gateway itself", Quote(path))
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
			v.errorf(at(key, i), "%s is not a method: they are written in capitals, such as %s", Quote(method), strings.Join(httprule.DefaultMethods(), ", "))
		}
	}
	distinct(v, key, methods)
}

// checkPrefixes requires strip_prefix to be the route's path or one of its parents:
// any other would never be stripped.
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
