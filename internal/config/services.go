package config

import (
	"net/url"
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

func (v *validator) checkServices() {
	base := v.WeChat.APIBase.URL
	v.checkURL("wechat.api_base", base, "https", "http")
	v.checkBase("wechat.api_base", base)
	if overPlainNetwork(base) {
		v.warnf("wechat.api_base", "AppSecret and access token travel in plain text: write https://")
	}
	if hook := v.Hooks.Login.URL.URL; hook != nil {
		v.checkURL("hooks.login.url", hook, "https", "http")
		if overPlainNetwork(hook) {
			v.warnf("hooks.login.url", "who logs in, and what the hook answers, travels in plain text: write https://")
		}
	}
}

// overPlainNetwork reports whether a URL leads to another machine without TLS.
func overPlainNetwork(u *url.URL) bool {
	return u != nil && u.Scheme == "http" && !isLoopbackHost(u.Hostname())
}

// checkURL accepts an absolute URL of one of the schemes without user, query and
// fragment. The message shows only scheme and host: the rest may hold a secret.
func (v *validator) checkURL(key string, u *url.URL, schemes ...string) {
	if u == nil {
		v.errorf(key, "is empty: write a URL such as %s://host:port", schemes[0])
		return
	}
	switch {
	case !slices.Contains(schemes, u.Scheme) || u.Opaque != "":
		v.errorf(key, "is not a URL that begins with %s://", strings.Join(schemes, ":// or "))
	case !httprule.ValidAddressHost(u.Hostname()) || !isPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		v.errorf(key, "has no valid host")
	case u.User != nil:
		v.errorf(key, "can't hold a user or password")
	case u.Fragment != "" || strings.Contains(u.String(), "#"):
		v.errorf(key, "can't have a fragment (#)")
	}
}

// checkBase requires a URL's path to be one that others can be put behind.
func (v *validator) checkBase(key string, u *url.URL) {
	if u == nil {
		return
	}
	if u.RawQuery != "" || u.ForceQuery {
		v.errorf(key, "can't have a query (?)")
		return
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if u.Path == "" {
		u.RawPath = ""
		return
	}
	if err := httprule.CheckConfigPath(u.EscapedPath()); err != nil {
		v.errorf(key, "has a path that %v", err)
	}
}
