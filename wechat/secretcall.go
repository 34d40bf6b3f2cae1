package wechat

import (
	"path"
	"slices"
	"strings"
)

// Calls that take an AppSecret or give out a key of a user, or belong to the flows
// that do, and so may not be relayed: the gateway makes them itself.
var (
	secretCalls = []string{
		"/cgi-bin/token",
		"/cgi-bin/stable_token",
		"/cgi-bin/clear_quota/v2",
		"/sns/jscode2session",
		"/wxa/resetusersessionkey",
		"/wxa/business/getuserencryptkey",
	}
	secretFlows = []string{
		"/cgi-bin/component/",
		"/sns/component/",
		"/sns/oauth2/",
	}
)

// IsSecretCall says whether a WeChat API path must not be relayed. It takes the
// decoded path, with or without its leading slash, and isn't fooled by case, dots
// or doubled slashes.
func IsSecretCall(apiPath string) bool {
	p := strings.ToLower(path.Clean("/" + apiPath))
	if slices.Contains(secretCalls, p) {
		return true
	}
	return slices.ContainsFunc(secretFlows, func(flow string) bool { return strings.HasPrefix(p+"/", flow) })
}
