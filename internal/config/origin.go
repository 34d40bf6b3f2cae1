package config

import (
	"fmt"
	"slices"

	"wxgate/internal/httprule"
)

// Origin is the origin of web pages, normalised to the form that browsers send.
type Origin struct{ httprule.Origin }

func (o *Origin) UnmarshalText(text []byte) error {
	parsed, err := httprule.ParseOrigin(string(text))
	if err != nil {
		return fmt.Errorf("%s is not an origin such as https://shop.example.com: no path, no slash at the end", Quote(string(text)))
	}
	o.Origin = parsed
	return nil
}

func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// checkCORSOrigins checks origins and normalises them to the form that browsers
// send.
func (v *validator) checkCORSOrigins(key string, origins []string) {
	for i, written := range origins {
		if written == "*" {
			continue
		}
		var origin Origin
		if err := origin.UnmarshalText([]byte(written)); err != nil {
			v.errorf(at(key, i), "%v", err)
			continue
		}
		origins[i] = origin.String()
	}
	if i := slices.Index(origins, "*"); i >= 0 && len(origins) > 1 {
		v.errorf(at(key, i), "* must be the only entry: it allows every origin")
	}
	distinct(v, key, origins)
}
