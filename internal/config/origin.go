package config

import (
	"slices"

	"wxgate/internal/httprule"
)

// checkCORSOrigins brings origins into the one form in which browsers send them.
func (v *validator) checkCORSOrigins(key string, origins []string) {
	for i, written := range origins {
		if written == "*" {
			continue
		}
		origin, err := httprule.ParseOrigin(written)
		if err != nil {
			v.errorf(at(key, i), "%s is not an origin such as https://shop.example.com: no path, no slash at the end", Quote(written))
			continue
		}
		origins[i] = origin.String()
	}
	if i := slices.Index(origins, "*"); i >= 0 && len(origins) > 1 {
		v.errorf(at(key, i), "* stands alone: it is every origin")
	}
	distinct(v, key, origins)
}
