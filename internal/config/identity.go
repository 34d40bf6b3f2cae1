package config

import "strings"

// identityHeader is a header that carries who the user is, and the key naming it.
type identityHeader struct{ key, name string }

func (c *Config) identityHeaders() []identityHeader {
	h := c.Identity.Headers
	return []identityHeader{
		{"identity.headers.openid", h.OpenID},
		{"identity.headers.unionid", h.UnionID},
		{"identity.headers.appid", h.AppID},
		{"identity.headers.user_id", h.UserID},
		{"identity.headers.roles", h.Roles},
		{"identity.headers.phone", h.Phone},
		{"identity.assertion.header", c.Identity.Assertion.Header},
	}
}

func (v *validator) checkIdentity() {
	taken := map[string]string{}
	for _, h := range v.identityHeaders() {
		if h.name == "" {
			continue
		}
		v.checkIdentityHeader(h)
		if other := taken[fold(h.name)]; other != "" {
			v.errorf(h.key, "%s is the same header as %s", Quote(h.name), other)
		}
		taken[fold(h.name)] = h.key
	}
}

func (v *validator) checkIdentityHeader(h identityHeader) {
	folded := fold(h.name)
	owned := ownedRequestHeader(folded)
	switch {
	case !isHeaderName(h.name):
		v.errorf(h.key, "%s is not a header name of letters, digits and -", Quote(h.name))
	case strings.HasPrefix(folded, "x_wx_") && !v.Identity.WXCloudRun:
	case strings.HasPrefix(folded, "x_wx_"):
		v.errorf(h.key, "%s is one that identity.wxcloudrun sets", Quote(h.name))
	case owned != "":
		v.errorf(h.key, "%s %s", Quote(h.name), owned)
	case isStandardHeader(folded):
		v.errorf(h.key, "%s has a meaning in HTTP already", Quote(h.name))
	}
}
