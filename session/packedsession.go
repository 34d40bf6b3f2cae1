package session

import (
	"slices"
	"time"
	"unique"
)

// packedSession is a Session in the cache's form: all its texts are one string, from
// which the Session of each request is sliced without an allocation.
type packedSession struct {
	text                           string // session id, openid, unionid, user id and phone
	rare                           *rareFields
	app                            unique.Handle[string]
	endsAt                         int64  // Unix milliseconds
	openID, unionID, userID, phone uint16 // lengths in text
}

// rareFields are fields that few sessions have.
type rareFields struct {
	roles []string
	web   *Web
}

func packSession(s *Session) packedSession {
	p := packedSession{
		text: s.ID + s.OpenID + s.UnionID + s.UserID + s.Phone, app: unique.Make(s.AppID), endsAt: s.EndsAt.UnixMilli(),
		openID: uint16(len(s.OpenID)), unionID: uint16(len(s.UnionID)), userID: uint16(len(s.UserID)), phone: uint16(len(s.Phone)),
	}
	if len(s.Roles) > 0 || s.Web != nil {
		p.rare = &rareFields{s.Roles, s.Web}
	}
	return p
}

func (p *packedSession) sid() string { return p.text[:sidLength] }

func (p *packedSession) ends() time.Time { return time.UnixMilli(p.endsAt) }

func (p *packedSession) session() Session {
	rest := p.text
	cut := func(n int) string {
		part := rest[:n]
		rest = rest[n:]
		return part
	}
	s := Session{
		ID: cut(sidLength), AppID: p.app.Value(), OpenID: cut(int(p.openID)), UnionID: cut(int(p.unionID)),
		UserID: cut(int(p.userID)), Phone: cut(int(p.phone)), EndsAt: p.ends(),
	}
	if p.rare != nil {
		s.Roles, s.Web = p.rare.roles, p.rare.web
	}
	return s
}

func (p *packedSession) equal(o *packedSession) bool {
	return p.text == o.text && p.openID == o.openID && p.unionID == o.unionID && p.userID == o.userID && p.phone == o.phone &&
		p.app == o.app && p.endsAt == o.endsAt && p.rare.equal(o.rare)
}

func (m *rareFields) equal(o *rareFields) bool {
	if m == nil || o == nil {
		return m == o
	}
	return slices.Equal(m.roles, o.roles) && (m.web == nil) == (o.web == nil)
}

// isWeb reports whether it is a web session.
func (p *packedSession) isWeb() bool { return p.rare != nil && p.rare.web != nil }
