package admin

import (
	"net/http"
	"slices"
	"strings"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// maxRelayedBody bounds the body of relayed calls, in bytes. WeChat's own limits are
// far below.
const maxRelayedBody = 100 << 20

// checkRelayable refuses a call that the caller's token or the app's relay list does
// not permit, or that is never relayed.
func (s *Server) checkRelayable(r *http.Request, appid, path string) error {
	switch {
	case !tokenFrom(r).hasScope(ScopeWeChat):
		s.logAuthFailure(r, "scope", tokenFrom(r).Name)
		return apierror.New(apierror.Forbidden, "this token does not have the scope wechat")
	case httprule.NeverRelayed(path):
		return apierror.New(apierror.Forbidden, "calls with the AppSecret or for a user's key are never relayed")
	case !slices.ContainsFunc(s.config().Relay[appid], func(rule string) bool { return matchesRule(rule, path) }):
		return apierror.New(apierror.Forbidden, "this path is not in the app's relay list")
	}
	return nil
}

// isAPIPath refuses characters that WeChat's paths never have: a server may interpret
// "token;x" or "%74oken" as another path.
func isAPIPath(path string) bool {
	return !strings.ContainsFunc(path, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("-_./", c)
	})
}

// matchesRule reports whether a rule of the relay list includes a path.
func matchesRule(rule, path string) bool {
	rule = "/" + strings.TrimPrefix(rule, "/")
	if prefix, ok := strings.CutSuffix(rule, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return path == rule
}
