package proxy

import (
	"net/http"
	"strings"

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
// client's were left behind (see headerRules). A fact that isn't known is not sent.
func (id Identity) set(h http.Header, s *session.Session) {
	put(h, id.OpenID, headerValue(s.OpenID, ""))
	put(h, id.UnionID, headerValue(s.UnionID, ""))
	put(h, id.AppID, headerValue(s.AppID, ""))
	put(h, id.UserID, headerValue(s.UserID, ""))
	put(h, id.Roles, roleList(s.Roles))
	put(h, id.Phone, headerValue(s.Phone, ""))
	if id.CloudRun {
		id.setCloudRun(h, s)
	}
}

// setCloudRun mirrors
// https://developers.weixin.qq.com/miniprogram/dev/wxcloudservice/wxcloudrun/src/development/weixin/index.md
func (id Identity) setCloudRun(h http.Header, s *session.Session) {
	put(h, "X-WX-OPENID", headerValue(s.OpenID, ""))
	put(h, "X-WX-UNIONID", headerValue(s.UnionID, ""))
	put(h, "X-WX-APPID", headerValue(s.AppID, ""))
	put(h, "X-WX-SOURCE", "wx_client")
	put(h, "X-WX-ENV", "wxgate")
}

// put sets a header under the very name, without making it canonical.
func put(h http.Header, name, value string) {
	if name != "" && value != "" {
		h[name] = []string{value}
	}
}

// roleList joins roles by commas; a comma inside a role is encoded, so that
// one role never reads as two.
func roleList(roles []string) string {
	switch len(roles) {
	case 0:
		return ""
	case 1:
		return headerValue(roles[0], ",")
	}
	encoded := make([]string, len(roles))
	for i, role := range roles {
		encoded[i] = headerValue(role, ",")
	}
	return strings.Join(encoded, ",")
}

// headerValue gives s as it is where a header can carry it, else with the
// bytes that it can't carry percent-encoded: those beyond printable ASCII,
// "%" itself, blanks at the ends, and what also lists.
func headerValue(s, also string) string {
	if carries(s, also) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if plainByte(c, also) && (c != ' ' || i > 0 && i < len(s)-1) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func carries(s, also string) bool {
	for i := range len(s) {
		if !plainByte(s[i], also) {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

func plainByte(c byte, also string) bool {
	return c >= ' ' && c < 0x7f && c != '%' && strings.IndexByte(also, c) < 0
}
