package config

import (
	"slices"
	"strings"
)

// checkAmbiguousRoutes refuses two routes of which no request could say which it means.
func (v *validator) checkAmbiguousRoutes() {
	type place struct{ host, path string }
	there := map[place][]int{}
	for i, route := range v.Routes {
		if route.Path == "" {
			continue
		}
		p := place{route.Host, strings.TrimSuffix(route.Path, "/")}
		for _, other := range there[p] {
			if overlap(route.Methods, v.Routes[other].Methods) {
				first := at("routes", other)
				v.errorf(at("routes", i), "can't be told apart from %s on line %d: the same path, host and methods", first, v.line(first))
				break
			}
		}
		there[p] = append(there[p], i)
	}
}

func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(method string) bool { return slices.Contains(b, method) })
}
