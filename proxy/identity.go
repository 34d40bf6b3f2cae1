package proxy

import (
	"strings"

	"wxgate/internal/httprule"
	"wxgate/session"
)

// Identity names the headers that tell a backend who the caller is. An empty
// name is not sent. Names go out as written here, HTTP/1 backends see the case.
type Identity struct {
	OpenID, UnionID, AppID, UserID, Roles, Phone string

	// CloudRun also sends what WeChat Cloud Run injects, so that a backend
	// written for it works unchanged.
	CloudRun bool

	// Assertion is the header for a signed JWT of the same facts.
	Assertion string
}

// names lists the configured names.
func (id Identity) names() []string {
	var names []string
	for _, name := range []string{id.OpenID, id.UnionID, id.AppID, id.UserID, id.Roles, id.Phone, id.Assertion} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// set writes the session's facts. h holds none of these names yet: the
// client's were left behind (see httprule). A fact that isn't known is not sent.
func (id Identity) set(h *outHeader, s *session.Session) {
	h.put(id.OpenID, httprule.EncodeHeaderValue(s.OpenID, ""))
	h.put(id.UnionID, httprule.EncodeHeaderValue(s.UnionID, ""))
	h.put(id.AppID, httprule.EncodeHeaderValue(s.AppID, ""))
	h.put(id.UserID, httprule.EncodeHeaderValue(s.UserID, ""))
	h.put(id.Roles, roleList(s.Roles))
	h.put(id.Phone, httprule.EncodeHeaderValue(s.Phone, ""))
	if id.CloudRun {
		id.setCloudRun(h, s)
	}
}

// setCloudRun mirrors
// https://developers.weixin.qq.com/miniprogram/dev/wxcloudservice/wxcloudrun/src/development/weixin/index.md
func (id Identity) setCloudRun(h *outHeader, s *session.Session) {
	h.put("X-WX-OPENID", httprule.EncodeHeaderValue(s.OpenID, ""))
	h.put("X-WX-UNIONID", httprule.EncodeHeaderValue(s.UnionID, ""))
	h.put("X-WX-APPID", httprule.EncodeHeaderValue(s.AppID, ""))
	h.put("X-WX-SOURCE", "wx_client")
	h.put("X-WX-ENV", "wxgate")
}

// roleList joins roles by commas; a comma inside a role is encoded, so that
// one role never reads as two.
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
