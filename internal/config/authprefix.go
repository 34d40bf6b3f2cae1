package config

import (
	"strings"

	"wxgate/internal/httprule"
)

func (v *validator) checkAuthPrefix() {
	prefix := v.AuthPrefix
	switch err := httprule.CheckConfigPath(prefix); {
	case err != nil:
		v.errorf("auth_prefix", "%s %v", Quote(prefix), err)
	case prefix == "/":
		v.errorf("auth_prefix", "can't be /: no path would be left for routes")
	case strings.HasSuffix(prefix, "/"):
		v.errorf("auth_prefix", "%s ends with /: write %s", Quote(prefix), Quote(strings.TrimRight(prefix, "/")))
	case httprule.PathWithin(httprule.JWKSPath, prefix):
		v.errorf("auth_prefix", "%s includes %s, which is reserved for the gateway's keys", Quote(prefix), httprule.JWKSPath)
	}
}
