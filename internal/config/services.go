package config

import (
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

func (v *validator) checkServices() {
	v.checkURL("wechat.api_base", v.WeChat.APIBase, "https", "http")
	v.checkBase("wechat.api_base", v.WeChat.APIBase)
	if base := v.WeChat.APIBase; base.URL != nil && base.Scheme == "http" && !isLoopback(base.Hostname()+":0") {
		v.warnf("wechat.api_base", "AppSecret and access token travel over plain http")
	}
	if v.Hooks.Login.URL.URL != nil {
		v.checkURL("hooks.login.url", v.Hooks.Login.URL, "https", "http")
	}
}

// checkURL wants an absolute URL of one of the schemes without user, query and
// fragment. The message shows only scheme and host: the rest may hold a secret.
func (v *validator) checkURL(key string, u URL, schemes ...string) {
	if u.URL == nil {
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

// checkBase wants a URL's path to be one that others can be put behind.
func (v *validator) checkBase(key string, u URL) {
	if u.URL == nil {
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
	if err := httprule.CleanPath(u.EscapedPath()); err != nil {
		v.errorf(key, "has a path that %v", err)
	}
}
