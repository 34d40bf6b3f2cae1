package session

import (
	"slices"
	"time"
	"unique"
)

// packedSession is a Session as the cache keeps it: its texts in one piece, from which
// each request's Session is cut without an allocation.
type packedSession struct {
	text                           string // session id, openid, unionid, user id and phone
	more                           *rareFields
	app                            unique.Handle[string]
	endsAt                         int64 // Unix milliseconds
	openID, unionID, userID, phone uint16
}

// rareFields are set in few sessions.
type rareFields struct {
	roles []string
	web   *Web
}

func packSession(s *Session) packedSession {
	f := packedSession{
		text: s.ID + s.OpenID + s.UnionID + s.UserID + s.Phone, app: unique.Make(s.AppID), endsAt: s.EndsAt.UnixMilli(),
		openID: uint16(len(s.OpenID)), unionID: uint16(len(s.UnionID)), userID: uint16(len(s.UserID)), phone: uint16(len(s.Phone)),
	}
	if len(s.Roles) > 0 || s.Web != nil {
		f.more = &rareFields{s.Roles, s.Web}
	}
	return f
}

func (f *packedSession) sid() string { return f.text[:sidLength] }

func (f *packedSession) ends() time.Time { return time.UnixMilli(f.endsAt) }

func (f *packedSession) session() Session {
	rest := f.text
	cut := func(n int) string {
		part := rest[:n]
		rest = rest[n:]
		return part
	}
	s := Session{
		ID: cut(sidLength), AppID: f.app.Value(), OpenID: cut(int(f.openID)), UnionID: cut(int(f.unionID)),
		UserID: cut(int(f.userID)), Phone: cut(int(f.phone)), EndsAt: f.ends(),
	}
	if f.more != nil {
		s.Roles, s.Web = f.more.roles, f.more.web
	}
	return s
}

func (f *packedSession) equal(o *packedSession) bool {
	return f.text == o.text && f.openID == o.openID && f.unionID == o.unionID && f.userID == o.userID && f.phone == o.phone &&
		f.app == o.app && f.endsAt == o.endsAt && f.more.equal(o.more)
}

func (m *rareFields) equal(o *rareFields) bool {
	if m == nil || o == nil {
		return m == o
	}
	return slices.Equal(m.roles, o.roles) && (m.web == nil) == (o.web == nil)
}

// isWeb reports whether the session is a web page's.
func (f *packedSession) isWeb() bool { return f.more != nil && f.more.web != nil }
