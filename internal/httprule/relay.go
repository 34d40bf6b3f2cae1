package httprule

import (
	"path"
	"slices"
	"strings"
)

// Calls of the WeChat API that take an AppSecret or give out a key of a user, or
// belong to the flows that do: the gateway makes them itself.
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

// NeverRelayed reports whether a WeChat API path must not be relayed, whatever an
// app's relay list says. It takes the
// decoded path, with or without its leading slash, and looks through case, dots
// or doubled slashes.
func NeverRelayed(apiPath string) bool {
	p := strings.ToLower(path.Clean("/" + apiPath))
	if slices.Contains(secretCalls, p) {
		return true
	}
	return slices.ContainsFunc(secretFlows, func(flow string) bool { return strings.HasPrefix(p+"/", flow) })
}
