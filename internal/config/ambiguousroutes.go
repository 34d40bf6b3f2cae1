package config

import (
	"slices"
	"strings"
)

// checkAmbiguousRoutes refuses two routes that match the same request equally well.
func (v *validator) checkAmbiguousRoutes() {
	type location struct{ host, path string }
	earlier := map[location][]int{}
	for i, route := range v.Routes {
		if route.Path == "" {
			continue
		}
		l := location{route.Host, strings.TrimSuffix(route.Path, "/")}
		for _, other := range earlier[l] {
			if methodsOverlap(route.Methods, v.Routes[other].Methods) {
				first := at("routes", other)
				v.errorf(at("routes", i), "can't be told apart from %s on line %d: the same path, host and methods", first, v.line(first))
				break
			}
		}
		earlier[l] = append(earlier[l], i)
	}
}

func methodsOverlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(method string) bool { return slices.Contains(b, method) })
}
