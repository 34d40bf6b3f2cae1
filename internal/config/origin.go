package config

import (
	"net/url"
	"strings"
)

func (v *validator) checkOrigins(key string, origins []string) {
	for i, origin := range origins {
		if origin == "*" && len(origins) > 1 {
			v.errorf(at(key, i), "* stands alone: it is every origin")
		} else if origin != "*" && !isOrigin(origin) {
			v.errorf(at(key, i), "%s is not an origin such as https://shop.example.com, in small letters and without a path", Quote(origin))
		}
	}
	distinct(v, key, origins)
}

// isOrigin says whether text is an origin exactly as browsers send it.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	standardPort := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	return isHost(u.Hostname()) && isPort(u.Port()) && u.Port() != standardPort &&
		text == u.Scheme+"://"+u.Host && text == strings.ToLower(text) && !strings.HasSuffix(text, ":")
}
