package config

import (
	"strings"

	"wxgate/internal/httprule"
)

// checkRelayPath checks a path of the WeChat API and returns it with a leading
// slash.
func (v *validator) checkRelayPath(key, path string) string {
	path = "/" + strings.TrimPrefix(path, "/")
	exact := strings.TrimSuffix(path, "/*")
	switch err := httprule.CheckConfigPath(exact); {
	case exact == "" || exact == "/":
		v.errorf(key, "names no path of the WeChat API")
	case err != nil:
		v.errorf(key, "%s %v (a /* at the end includes all paths below)", Quote(path), err)
	case strings.HasSuffix(exact, "/"):
		v.errorf(key, "%s ends with /: write %s, or %s for all below", Quote(path), Quote(strings.TrimRight(exact, "/")), Quote(exact+"*"))
	case exact == "/cgi-bin/token" || exact == "/cgi-bin/stable_token":
		v.errorf(key, "%s is never relayed: the gateway responds with its own token, whether listed or not", Quote(path))
	case httprule.NeverRelayed(exact):
		v.errorf(key, "%s is never relayed: the call contains the AppSecret or returns a user's key", Quote(path))
	}
	return path
}
