package config

import (
	"net/textproto"

	"wxgate/internal/httprule"
)

// identityHeader is a configured identity header and its key in the file.
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
	first := map[string]string{}
	for _, h := range v.identityHeaders() {
		if h.name == "" {
			continue
		}
		v.checkIdentityHeader(h)
		canonical := textproto.CanonicalMIMEHeaderKey(h.name)
		if other := first[canonical]; other != "" {
			v.errorf(h.key, "%s is the same header as %s", Quote(h.name), other)
		}
		first[canonical] = h.key
	}
}

// checkIdentityHeader refuses names that already have another meaning. The
// identity headers of other gateways are accepted: backends may expect them.
func (v *validator) checkIdentityHeader(h identityHeader) {
	canonical := textproto.CanonicalMIMEHeaderKey(h.name)
	class := httprule.NewHeaders(nil).Request(canonical)
	switch {
	case !httprule.ValidHeaderName(h.name):
		v.errorf(h.key, "%s is not a header name of letters, digits and -", Quote(h.name))
	case class == httprule.Identity && v.Identity.WXCloudRun:
		v.errorf(h.key, "%s is already set by identity.wxcloudrun", Quote(h.name))
	case class == httprule.Identity:
	case httprule.StandardRequestHeader(canonical):
		v.errorf(h.key, "%s already has a meaning in HTTP", Quote(h.name))
	case !class.RulesMayChange():
		v.errorf(h.key, "%s %s", Quote(h.name), whyNotChangeable(canonical, class))
	}
}
