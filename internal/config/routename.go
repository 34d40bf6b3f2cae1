package config

import "strings"

// nameRoutes names the routes without a name by host and path, and by their
// methods if several have the same host and path. It refuses duplicate names.
func (v *validator) nameRoutes() {
	routes := map[string]int{}
	for _, route := range v.Routes {
		routes[route.Host+route.Path]++
	}
	named := map[string]string{}
	for i := range v.Routes {
		route, key := &v.Routes[i], at("routes", i)
		if route.Name == "" {
			route.Name = route.Host + route.Path
			if routes[route.Name] > 1 {
				route.Name += " " + MethodList(route.Methods)
			}
		}
		if first := named[route.Name]; first != "" && route.Path != "" {
			v.errorf(key+".name", "%s is also the name of %s", Quote(route.Name), first)
		}
		named[route.Name] = key
	}
}

// MethodList returns the methods of a route for display: "GET,POST", or "any".
func MethodList(methods []string) string {
	if len(methods) == 0 {
		return "any"
	}
	return strings.Join(methods, ",")
}
