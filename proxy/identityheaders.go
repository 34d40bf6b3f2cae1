package proxy

import (
	"strings"

	"wxgate/internal/httprule"
	"wxgate/session"
)

// IdentityHeaders configures the names of the identity headers, which are set for backends
// only. A header with an empty name is not sent. Over HTTP/1 the names are sent in the
// case given here.
//
// What a client sends under these names is stripped in copyFromClient (stripheaders.go).
type IdentityHeaders struct {
	OpenID, UnionID, AppID, UserID, Roles, Phone string

	// CloudRun adds the headers that WeChat Cloud Run sends, so that a backend written
	// for it works unchanged.
	CloudRun bool

	// Assertion is the header of a signed JWT with the same values.
	Assertion string
}

// names returns the configured names.
func (id IdentityHeaders) names() []string {
	var names []string
	for _, name := range []string{id.OpenID, id.UnionID, id.AppID, id.UserID, id.Roles, id.Phone, id.Assertion} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// set sets the identity headers of a session. Empty values are not sent.
func (id IdentityHeaders) set(h *outboundHeader, s *session.Session) {
	h.setNonEmpty(id.OpenID, httprule.EncodeHeaderValue(s.OpenID, ""))
	h.setNonEmpty(id.UnionID, httprule.EncodeHeaderValue(s.UnionID, ""))
	h.setNonEmpty(id.AppID, httprule.EncodeHeaderValue(s.AppID, ""))
	h.setNonEmpty(id.UserID, httprule.EncodeHeaderValue(s.UserID, ""))
	h.setNonEmpty(id.Roles, roleList(s.Roles))
	h.setNonEmpty(id.Phone, httprule.EncodeHeaderValue(s.Phone, ""))
	if id.CloudRun {
		id.setCloudRun(h, s)
	}
}

// setCloudRun sets the headers that WeChat Cloud Run documents:
// https://developers.weixin.qq.com/miniprogram/dev/wxcloudservice/wxcloudrun/src/development/weixin/index.md
func (id IdentityHeaders) setCloudRun(h *outboundHeader, s *session.Session) {
	h.setNonEmpty("X-WX-OPENID", httprule.EncodeHeaderValue(s.OpenID, ""))
	h.setNonEmpty("X-WX-UNIONID", httprule.EncodeHeaderValue(s.UnionID, ""))
	h.setNonEmpty("X-WX-APPID", httprule.EncodeHeaderValue(s.AppID, ""))
	h.setNonEmpty("X-WX-SOURCE", "wx_client")
	h.setNonEmpty("X-WX-ENV", "wxgate")
}

// roleList joins roles by commas. A comma inside a role is percent-encoded, so that a
// backend does not read one role as two.
func roleList(roles []string) string {
	switch len(roles) {
	case 0:
		return ""
	case 1:
		return httprule.EncodeHeaderValue(roles[0], ",")
	}
	encoded := make([]string, len(roles))
	for i, role := range roles {
		encoded[i] = httprule.EncodeHeaderValue(role, ",")
	}
	return strings.Join(encoded, ",")
}

// setIdentity sets the identity headers and the assertion. copyFromClient has stripped
// the client's.
func (g *Gateway) setIdentity(h *outboundHeader, rs *requestState) error {
	s, identity := rs.session(), &rs.config.Identity
	if s == nil {
		return nil
	}
	identity.set(h, s)
	if identity.Assertion == "" {
		return nil
	}
	signed, err := g.Sessions.Assert(s, rs.route.Name)
	if err != nil {
		return err
	}
	h.setNonEmpty(identity.Assertion, signed)
	return nil
}
