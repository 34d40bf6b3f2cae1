package httprule

import (
	"path"
	"slices"
	"strings"
)

// WeChat API paths whose calls contain the AppSecret or return a user's key: only
// the gateway itself calls them.
var (
	secretPaths = []string{
		"/cgi-bin/token",
		"/cgi-bin/stable_token",
		"/cgi-bin/clear_quota/v2",
		"/sns/jscode2session",
		"/wxa/resetusersessionkey",
		"/wxa/business/getuserencryptkey",
	}
	secretPrefixes = []string{
		"/cgi-bin/component/",
		"/sns/component/",
		"/sns/oauth2/",
	}
)

// NeverRelayed reports whether a WeChat API path must not be relayed, whatever an
// app's relay list says. apiPath is decoded, with or without its leading slash;
// letter case, dot segments and repeated slashes make no difference.
func NeverRelayed(apiPath string) bool {
	p := strings.ToLower(path.Clean("/" + apiPath))
	if slices.Contains(secretPaths, p) {
		return true
	}
	return slices.ContainsFunc(secretPrefixes, func(prefix string) bool { return strings.HasPrefix(p+"/", prefix) })
}
